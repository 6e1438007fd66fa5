#include "net/mail.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/url.h"
#include "net/address.h"
#include "net/lane.h"

#define MAIL_MAX ((size_t)1 << 20)
#define LABEL_SIZE 256
#define LINE_SIZE ((size_t)57) /* bytes that give a line of 76 characters */

/* One mail on its way. */
struct sending {
    const obs__curl *curl;
    const obs__mail *mail;
    obs__lane *lane;
    struct curl_slist *recipients;
    obs__builder text;
    size_t at;
    int plain; /* nothing is encrypted: to this machine only */
    char label[LABEL_SIZE];
    char trouble[CURL_ERROR_SIZE];
};

static size_t give(char *out, size_t size, size_t count, void *user)
{
    struct sending *sending = user;
    size_t some = size * count, left = sending->text.size - sending->at;
    some = some < left ? some : left;
    memcpy(out, sending->text.data + sending->at, some);
    sending->at += some;
    return some;
}

static size_t ignore(char *data, size_t size, size_t count, void *user)
{
    (void)data, (void)user;
    return size * count;
}

/* RFC 2047, so that whatever is in it stays one header. */
static void add_subject(obs__builder *out, const char *subject)
{
    char coded[512];
    size_t size = strlen(subject) < 300 ? strlen(subject) : 300;
    while (size && ((unsigned char)subject[size] & 0xC0) == 0x80)
        size--;
    if (obs__plain_size(subject, size) == size && size < 70) {
        obs__add_format(out, "Subject: %.*s\r\n", (int)size, subject);
        return;
    }
    obs__add_text(out, "Subject:");
    for (size_t at = 0; at < size;) { /* an encoded word has at most 75 characters, and whole ones only */
        size_t some = size - at < 42 ? size - at : 42;
        while (at + some < size && ((unsigned char)subject[at + some] & 0xC0) == 0x80)
            some--;
        obs__base64_encode(coded, subject + at, some);
        obs__add_format(out, " =?UTF-8?B?%.*s?=\r\n", (int)obs__base64_size(some), coded);
        at += some;
    }
}

/* RFC 5322 in universal time. */
static void add_date(obs__builder *out)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm;
    time_t now = (time_t)(obs__now_ns() / 1000000000);
    gmtime_r(&now, &tm);
    obs__add_format(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* In base64 no line is too long, and nothing in it can end the mail. */
static obs_status write_mail(struct sending *sending, obs_error *error)
{
    const obs__mail *mail = sending->mail;
    obs__builder *out = &sending->text;
    char line[80];
    const char *domain = strchr(mail->from, '@');
    obs__add_format(out, "From: <%s>\r\nTo: <%s>\r\n", mail->from, mail->to);
    add_subject(out, mail->subject);
    add_date(out);
    obs__add_format(out, "Message-ID: <%s%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", mail->id,
                    domain ? domain : "@localhost");
    obs__add_text(out, "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    for (size_t at = 0; at < mail->text.size; at += LINE_SIZE) {
        size_t some = mail->text.size - at < LINE_SIZE ? mail->text.size - at : LINE_SIZE;
        obs__base64_encode(line, mail->text.data + at, some);
        obs__add(out, line, obs__base64_size(some));
        obs__add_text(out, "\r\n");
    }
    return obs__builder_status(out, error);
}

static int set_login(struct sending *sending)
{
    __typeof__(curl_easy_setopt) *set = sending->curl->easy_setopt;
    const obs__mail *mail = sending->mail;
    if (!mail->user)
        return 1;
    return !set(sending->lane->easy, CURLOPT_USERNAME, mail->user) &&
           !set(sending->lane->easy, CURLOPT_PASSWORD, (const char *)obs_secret_bytes(mail->password));
}

static obs_status set_options(struct sending *sending, obs_error *error)
{
    __typeof__(curl_easy_setopt) *set = sending->curl->easy_setopt;
    const obs__mail *mail = sending->mail;
    CURL *easy = sending->lane->easy;
    char from[300], to[300];
    snprintf(from, sizeof from, "<%s>", mail->from);
    snprintf(to, sizeof to, "<%s>", mail->to);
    if (!(sending->recipients = sending->curl->slist_append(NULL, to)))
        return obs__fail_memory(error);
    int bad = set(easy, CURLOPT_NOSIGNAL, 1L) || set(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps") ||
              set(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) || set(easy, CURLOPT_NOPROXY, "*") ||
              set(easy, CURLOPT_SSL_VERIFYPEER, 1L) || set(easy, CURLOPT_SSL_VERIFYHOST, 2L) ||
              set(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
              set(easy, CURLOPT_USE_SSL, (long)(sending->plain ? CURLUSESSL_NONE : CURLUSESSL_ALL)) ||
              set(easy, CURLOPT_URL, mail->server) || set(easy, CURLOPT_MAIL_FROM, from) ||
              set(easy, CURLOPT_MAIL_RCPT, sending->recipients) || set(easy, CURLOPT_UPLOAD, 1L) ||
              set(easy, CURLOPT_READFUNCTION, give) || set(easy, CURLOPT_READDATA, sending) ||
              set(easy, CURLOPT_WRITEFUNCTION, ignore) || set(easy, CURLOPT_FRESH_CONNECT, 1L) ||
              set(easy, CURLOPT_FORBID_REUSE, 1L) || set(easy, CURLOPT_ERRORBUFFER, sending->trouble) || !set_login(sending);
    set(easy, CURLOPT_QUICK_EXIT, 1L);
    if (mail->ca)
        bad = bad || set(easy, CURLOPT_CAINFO, mail->ca) || set(easy, CURLOPT_CAPATH, NULL);
    return bad ? obs__fail_memory(error) : OBS_OK;
}

static obs_status fail_sending(const struct sending *sending, CURLcode code, long answer, obs_error *error)
{
    const char *label = sending->label;
    obs_status status;
    if (code == CURLE_OUT_OF_MEMORY)
        return obs__fail_memory(error);
    if (code == CURLE_LOGIN_DENIED)
        status = obs__fail(error, OBS_UNAUTHENTICATED, "the mail server '%.200s' does not take this user and password", label);
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        status = obs__fail(error, OBS_FAILED_PRECONDITION, "the certificate of the mail server '%.200s' is not to be trusted",
                           label);
    else if (code == CURLE_USE_SSL_FAILED)
        status = obs__fail(error, OBS_FAILED_PRECONDITION,
                           "the mail server '%.200s' does not encrypt (STARTTLS), without which nothing is sent to it", label);
    else if (answer >= 500 && answer < 600)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "the mail server '%.200s' refuses the mail (%ld)", label, answer);
    else
        status = obs__fail(error, OBS_UNAVAILABLE, "the mail server '%.200s' does not take the mail now (%ld)", label, answer);
    obs__detail(error, "%s", *sending->trouble ? sending->trouble : sending->curl->easy_strerror(code));
    return status;
}

static obs_status send_on_lane(struct sending *sending, const obs__limit *limit, obs_error *error)
{
    CURLcode code = CURLE_OK;
    long answer = 0;
    obs_status status = set_options(sending, error);
    if (status == OBS_OK)
        status = obs__lane_run(sending->lane, sending->curl, &code, limit, error);
    if (status != OBS_OK || code == CURLE_OK)
        return status;
    sending->curl->easy_getinfo(sending->lane->easy, CURLINFO_RESPONSE_CODE, &answer);
    return fail_sending(sending, code, answer, error);
}

static obs_status begin(struct sending *sending, obs_error *error)
{
    obs__url *url = NULL;
    obs_status status = obs__url_parse(&url, sending->mail->server, OBS_TEXT, error);
    if (status != OBS_OK)
        return status;
    int is_here = strcmp(url->host, "localhost") == 0 || obs__address_is_loopback(url->host);
    sending->plain = strcmp(url->scheme, "smtp") == 0 && is_here && !sending->mail->user;
    obs__url_print(sending->label, sizeof sending->label, url);
    obs__url_free(url);
    status = obs__curl_get(&sending->curl, error);
    return status == OBS_OK ? write_mail(sending, error) : status;
}

obs_status obs__mail_send(const obs__mail *mail, const obs__limit *limit, obs_error *error)
{
    struct sending sending = {.mail = mail};
    obs__builder_init(&sending.text, MAIL_MAX * 2);
    obs_status status = obs__limit_check(limit, error);
    if (status == OBS_OK)
        status = begin(&sending, error);
    if (status == OBS_OK && !(sending.lane = obs__lane_take(sending.curl)))
        status = obs__fail_memory(error);
    if (status == OBS_OK)
        status = send_on_lane(&sending, limit, error);
    if (sending.lane)
        obs__lane_give(sending.curl, sending.lane);
    if (sending.recipients)
        sending.curl->slist_free_all(sending.recipients);
    obs__builder_free(&sending.text);
    return status;
}
