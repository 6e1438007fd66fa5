/* Keys, signed notes and checkpoints: the published log, what Go's note package signs, and every way to be wrong. */
#include "audit/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/keyfile.h"
#include "support.h"

static obs_error error;

static obs__view view(const char *text)
{
    return obs__view_of(text, OBS_TEXT);
}

/* ---- The example of golang.org/x/mod/sumdb/note, a published fact: key, text and signature. ---- */

#define PETER "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define TEXT                                                                                                                   \
    "If you think cryptography is the answer to your problem,\n"                                                               \
    "then you don't know what your problem is.\n"
#define DASH "\xE2\x80\x94 "
#define SIGNED                                                                                                                 \
    TEXT "\n" DASH "PeterNeumann "                                                                                             \
         "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

static obs_status check_text(const char *note_text, const char *key)
{
    obs__note note;
    obs__verifier verifier;
    obs_status status = obs__verifier_read(&verifier, view(key), &error);
    if (status == OBS_OK)
        status = obs__note_read(&note, view(note_text), &error);
    return status == OBS_OK ? obs__note_check(&note, &verifier, NULL, &error) : status;
}

START_TEST(what_go_signed_is_accepted)
{
    obs__note note;
    ck_assert_ok(obs__note_read(&note, view(SIGNED), &error));
    ck_assert(obs__view_is(note.text, TEXT));
    ck_assert_uint_eq(note.count, 1);
    ck_assert_uint_eq(note.signatures[0].id, 0xc74f20a3);
    ck_assert_ok(check_text(SIGNED, PETER));
}
END_TEST

START_TEST(each_changed_byte_is_found)
{
    char changed[sizeof SIGNED];
    for (size_t i = 0; i + 1 < sizeof changed; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(changed, SIGNED, sizeof changed);
            changed[i] = (char)(changed[i] ^ 1 << bit);
            obs__note note;
            obs__verifier verifier;
            ck_assert_ok(obs__verifier_read(&verifier, view(PETER), &error));
            obs_status status = obs__note_read(&note, (obs__view){changed, sizeof changed - 1}, &error);
            if (status == OBS_OK)
                status = obs__note_check(&note, &verifier, NULL, &error);
            ck_assert_msg(status != OBS_OK, "byte %zu, bit %d", i, bit);
            ck_assert(*error.message);
        }
}
END_TEST

START_TEST(what_is_no_note_is_refused)
{
    static const char *const wrong[] = {
        "",
        "\n",
        "\n\n",
        TEXT,
        TEXT "\n",
        TEXT "\n" DASH "PeterNeumann x08go/ZJ",     /* no last newline */
        TEXT "\n" DASH "PeterNeumann\n",            /* no signature */
        TEXT "\n" DASH " x08go/ZJ\n",               /* no name */
        TEXT "\n" DASH "Peter+Neumann x08go/ZJ\n",  /* a plus in the name */
        TEXT "\n" DASH "Peter\xC2\xA0N x08go/ZJ\n", /* a blank of another script */
        TEXT "\n" DASH "PeterNeumann x08go/ZJ \n",  /* a blank behind */
        TEXT "\n" DASH "PeterNeumann x08go/Z\n",    /* no whole base64 */
        TEXT "\n" DASH "PeterNeumann x08gow==\n",   /* an id, no signature */
        TEXT "\n" DASH "PeterNeumann x08=x08=x08=\n" /* padding inside */,
        TEXT "\n- PeterNeumann x08go/ZJ\n", /* another dash */
        "a\ttab\n\n" DASH "PeterNeumann x08go/ZJ\n",
        "a\r\n\n" DASH "PeterNeumann x08go/ZJ\n",
        "not \xFF UTF-8\n\n" DASH "PeterNeumann x08go/ZJ\n",
        TEXT "\n" DASH "PeterNeumann x08go/ZJ\nmore\n",
    };
    obs__note note;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(obs__note_read(&note, view(wrong[i]), &error) == OBS_INVALID_ARGUMENT, "%zu: %s", i, wrong[i]);
        ck_assert_ptr_nonnull(strstr(error.message, "no signed note"));
    }
    /* Too many signatures, and too long. */
    obs__builder text;
    obs__builder_init(&text, 4 * OBS__NOTE_MAX);
    obs__add_text(&text, TEXT "\n");
    for (int i = 0; i < OBS__NOTE_SIGNATURES; i++)
        obs__add_text(&text, DASH "w x08go/ZJ\n");
    ck_assert_ok(obs__note_read(&note, (obs__view){text.data, text.size}, &error));
    obs__add_text(&text, DASH "w x08go/ZJ\n");
    ck_assert_int_eq(obs__note_read(&note, (obs__view){text.data, text.size}, &error), OBS_INVALID_ARGUMENT);
    obs__builder_clear(&text);
    for (int i = 0; i <= OBS__NOTE_MAX; i++)
        obs__add_char(&text, 'a');
    obs__add_text(&text, "\n\n" DASH "w x08go/ZJ\n");
    ck_assert_int_eq(obs__note_read(&note, (obs__view){text.data, text.size}, &error), OBS_INVALID_ARGUMENT);
    obs__builder_free(&text);
}
END_TEST

START_TEST(keys_that_were_not_copied_whole_are_refused)
{
    obs__verifier verifier;
    static const char *const wrong[] = {
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a3+",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* another id */
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",  /* too short */
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA",
        "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* another kind */
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TX",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(obs__verifier_read(&verifier, view(wrong[i]), &error) == OBS_INVALID_ARGUMENT, "%s", wrong[i]);
    ck_assert_ok(obs__verifier_read(&verifier, view(PETER "\n"), &error));
    obs__builder line;
    obs__builder_init(&line, OBS__KEY_LINE_MAX);
    obs__verifier_add(&line, &verifier);
    ck_assert_str_eq(line.data, PETER);
    obs__builder_free(&line);
}
END_TEST

/* ---- Own keys. ---- */

START_TEST(a_key_in_a_file_signs_and_stays_secret)
{
    const char *path = test_path(test_folder(), "state/audit/key");
    obs__signer *made, *found = NULL;
    obs__builder out;
    struct stat info;
    ck_assert_ok(obs__signer_new(&made, "night.example/audit", OBS__KEY_LOG, &error));
    ck_assert_int_eq(obs__signer_open(&found, path, &error), OBS_NOT_FOUND);
    ck_assert_ok(obs__signer_store(made, path, &error));
    ck_assert_int_eq(obs__signer_store(made, path, &error), OBS_ALREADY_EXISTS);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    ck_assert_ok(obs__signer_open(&found, path, &error));
    obs__builder_init(&out, OBS__NOTE_MAX);
    ck_assert_ok(obs__note_sign(&out, view("hello\n"), found, 0, &error));
    obs__note note;
    ck_assert_ok(obs__note_read(&note, (obs__view){out.data, out.size}, &error));
    ck_assert_ok(obs__note_check(&note, obs__signer_verifier(made), NULL, &error));
    ck_assert_int_eq(obs__note_sign(&out, view("no newline"), found, 0, &error), OBS_INVALID_ARGUMENT);
    ck_assert_int_eq(chmod(path, 0640), 0);
    obs__signer *refused = NULL;
    ck_assert_int_eq(obs__signer_open(&refused, path, &error), OBS_UNTRUSTED);
    ck_assert_ptr_nonnull(strstr(error.message, "chmod 600"));
    ck_assert_int_eq(chmod(path, 0600), 0);
    const char *link = test_path(test_folder(), "link");
    ck_assert_int_eq(symlink(path, link), 0);
    ck_assert_int_ne(obs__signer_open(&refused, link, &error), OBS_OK);
    size_t size;
    char *line = test_read(path, &size);
    line[size / 2] ^= 1;
    test_write(path, line, size);
    ck_assert_int_eq(obs__signer_open(&refused, path, &error), OBS_DATA_LOSS);
    ck_assert_ptr_null(refused);
    ck_assert_ptr_null(strstr(error.message, line + 13));
    free(line);
    obs__builder_free(&out);
    obs__signer_free(made);
    obs__signer_free(found);
}
END_TEST

START_TEST(cosignatures_are_kept_and_checked)
{
    obs__signer *log, *witness, *stranger;
    obs__builder one, two;
    obs__note note;
    int64_t time = -1;
    ck_assert_ok(obs__signer_new(&log, "night.example/audit", OBS__KEY_LOG, &error));
    ck_assert_ok(obs__signer_new(&witness, "witness.example/w1", OBS__KEY_WITNESS, &error));
    ck_assert_ok(obs__signer_new(&stranger, "night.example/audit", OBS__KEY_LOG, &error));
    obs__builder_init(&one, OBS__NOTE_MAX);
    obs__builder_init(&two, OBS__NOTE_MAX);
    ck_assert_ok(
        obs__note_sign(&one, view("night.example/audit\n1\n0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=\n"), log, 0, &error));
    ck_assert_ok(obs__note_cosign(&two, (obs__view){one.data, one.size}, witness, 1679315147, &error));
    ck_assert_ok(obs__note_read(&note, (obs__view){two.data, two.size}, &error));
    ck_assert_uint_eq(note.count, 2);
    ck_assert_ok(obs__note_check(&note, obs__signer_verifier(log), &time, &error));
    ck_assert_int_eq(time, 0);
    ck_assert_ok(obs__note_check(&note, obs__signer_verifier(witness), &time, &error));
    ck_assert_int_eq(time, 1679315147);
    /* Same name, other key: not this one's signature. */
    ck_assert_int_eq(obs__note_check(&note, obs__signer_verifier(stranger), NULL, &error), OBS_NOT_FOUND);
    /* The stated time is part of what is signed. */
    char *at = strstr(two.data, "witness.example/w1 ") + strlen("witness.example/w1 ") + 10;
    *at = *at == 'A' ? 'B' : 'A';
    ck_assert_ok(obs__note_read(&note, (obs__view){two.data, two.size}, &error));
    ck_assert_int_eq(obs__note_check(&note, obs__signer_verifier(witness), NULL, &error), OBS_UNTRUSTED);
    obs__builder_free(&one);
    obs__builder_free(&two);
    obs__signer_free(log);
    obs__signer_free(witness);
    obs__signer_free(stranger);
}
END_TEST

/* ---- Checkpoints. ---- */

START_TEST(checkpoints_are_read_strictly)
{
#define ROOT "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=\n"
    static const char *const wrong[] = {
        "",
        "o\n",
        "o\n1\n",
        "\n1\n" ROOT,
        "o\n\n" ROOT,
        "o\n01\n" ROOT,
        "o\n-1\n" ROOT,
        "o\n1 \n" ROOT,
        "o\n0x1\n" ROOT,
        "o\n9223372036854775808\n" ROOT,
        "o\n99999999999999999999\n" ROOT,
        "o\n1\n0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN\n",
        "o\n1\n" ROOT "\n",
        "o\n1\n" ROOT "more\n\n",
        "o\n1\n!" ROOT,
    };
    obs__checkpoint checkpoint;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(obs__checkpoint_read(&checkpoint, view(wrong[i]), &error) == OBS_INVALID_ARGUMENT, "%s", wrong[i]);
    ck_assert_ok(obs__checkpoint_read(&checkpoint, view("o\n9223372036854775807\n" ROOT "an extension\n"), &error));
    ck_assert_uint_eq(checkpoint.size, INT64_MAX);
    ck_assert(obs__view_is(checkpoint.origin, "o"));
    ck_assert_ok(obs__checkpoint_read(&checkpoint, view("o\n0\n" ROOT), &error));
    obs__builder text;
    obs__builder_init(&text, 1000);
    obs__checkpoint_add(&text, "o", 0, &checkpoint.root);
    ck_assert_str_eq(text.data, "o\n0\n" ROOT);
    obs__builder_free(&text);
}
END_TEST

START_TEST(the_published_log_is_accepted)
{
    static const char key[] = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    static const char *const names[] = {"checkpoint.0", "checkpoint.1",  "checkpoint.2",  "checkpoint.5", "checkpoint.6",
                                        "checkpoint.8", "checkpoint.11", "checkpoint.12", "checkpoint"};
    static const uint64_t sizes[] = {0, 1, 2, 5, 6, 8, 11, 12, 15};
    const char *folder = test_shared("vectors/tlog");
    obs__verifier verifier;
    obs__checkpoint checkpoint;
    if (!folder) {
        test_skipped("tlog checkpoints", "../shared/vectors/tlog is not here");
        return;
    }
    ck_assert_ok(obs__verifier_read(&verifier, view(key), &error));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size;
        char *bytes = test_read(test_path(folder, names[i]), &size);
        ck_assert_ok(obs__checkpoint_open(&checkpoint, (obs__view){bytes, size}, &verifier, &error));
        ck_assert_uint_eq(checkpoint.size, sizes[i]);
        bytes[strcspn(bytes, "\n") + 1] = '9';
        ck_assert_int_eq(obs__checkpoint_open(&checkpoint, (obs__view){bytes, size}, &verifier, &error), OBS_DATA_LOSS);
        free(bytes);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_go_signed_is_accepted,
                                  each_changed_byte_is_found,
                                  what_is_no_note_is_refused,
                                  keys_that_were_not_copied_whole_are_refused,
                                  a_key_in_a_file_signs_and_stays_secret,
                                  cosignatures_are_kept_and_checked,
                                  checkpoints_are_read_strictly,
                                  the_published_log_is_accepted};
    obs_error_init(&error, sizeof error);
    return test_main("note", tests, sizeof tests / sizeof tests[0]);
}
