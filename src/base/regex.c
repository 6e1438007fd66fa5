/* Compiles and runs regular expressions with PCRE2, within limits. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/regex.h"

#include <pcre2.h>

#include "base/error.h"
#include "base/memory.h"

enum {
    PATTERN_MAX = 4096,          /* bytes of a pattern */
    TRANSLATED_MAX = 256 * 1024, /* and of what becomes of it */
    MATCH_LIMIT = 500000,        /* some 10 ms, then it is given up */
    DEPTH_LIMIT = 20000,
    HEAP_LIMIT_KIB = 8 * 1024
};

struct obs__regex {
    pcre2_code *code;
};

struct obs__regex_work {
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

static const uint32_t OPTIONS = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF |
                                PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_UTF_CHECK;

static obs_status compile_translated(obs__regex *regex, const obs__builder *text, obs_error *error)
{
    int code = 0;
    PCRE2_SIZE offset = 0;
    PCRE2_SPTR pattern = (PCRE2_SPTR)(text->data ? text->data : "");
    regex->code = pcre2_compile(pattern, text->size, OPTIONS, &code, &offset, NULL);
    if (!regex->code && code == PCRE2_ERROR_HEAP_FAILED)
        return obs__fail_memory(error);
    if (!regex->code) {
        char why[128];
        if (pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why) < 0)
            why[0] = '\0';
        return obs__fail(error, OBS_INVALID_ARGUMENT, "not a usable regular expression: %s", why);
    }
    /* Where memory may not be made executable there is the interpreter, with the same results. */
    (void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
    return OBS_OK;
}

obs_status obs__regex_compile(obs__regex **out, const char *text, size_t size, obs_error *error)
{
    obs__builder translated;
    *out = NULL;
    if (size > PATTERN_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the regular expression is longer than %d bytes", PATTERN_MAX);
    if (!obs__utf8_valid(text, size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the regular expression is not valid UTF-8");
    obs__builder_init(&translated, TRANSLATED_MAX);
    obs__regex *regex = obs__calloc(1, sizeof *regex);
    obs_status status = regex ? obs__regex_translate(&translated, text, size, error) : obs__fail_memory(error);
    if (status == OBS_OK)
        status = compile_translated(regex, &translated, error);
    obs__builder_free(&translated);
    if (status == OBS_OK)
        *out = regex;
    else
        obs__regex_free(regex);
    return status;
}

void obs__regex_free(obs__regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    obs__free(regex);
}

void obs__regex_work_free(obs__regex_work *work)
{
    if (!work)
        return;
    pcre2_match_data_free(work->data);
    pcre2_match_context_free(work->limits);
    obs__free(work);
}

static obs__regex_work *work_new(void)
{
    obs__regex_work *work = obs__calloc(1, sizeof *work);
    if (!work)
        return NULL;
    work->data = pcre2_match_data_create(1, NULL);
    work->limits = pcre2_match_context_create(NULL);
    if (!work->data || !work->limits) {
        obs__regex_work_free(work);
        return NULL;
    }
    pcre2_set_match_limit(work->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(work->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(work->limits, HEAP_LIMIT_KIB);
    return work;
}

int obs__regex_match(const obs__regex *regex, obs__regex_work **work, const char *data, size_t size)
{
    if (!*work)
        *work = work_new();
    if (!*work)
        return OBS__REGEX_NO_MEMORY;
    PCRE2_SPTR subject = (PCRE2_SPTR)data;
    int found = pcre2_match(regex->code, subject, size, 0, PCRE2_NO_UTF_CHECK, (*work)->data, (*work)->limits);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter may use the heap, up to its own limit */
        found = pcre2_match(regex->code, subject, size, 0, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, (*work)->data, (*work)->limits);
    if (found >= 0)
        return 1;
    if (found == PCRE2_ERROR_NOMATCH)
        return 0;
    return found == PCRE2_ERROR_NOMEMORY ? OBS__REGEX_NO_MEMORY : -1;
}
