/*
 * The first line as an expression of CloudEvents SQL, the rest as an event in JSON: a wrong expression has a sentence and a
 * place inside of it, a right one gives a value that is UTF-8, the same one again, the same one in parentheses, and the same
 * one for the event that was read from the JSON when that has texts only.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "event/cesql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int right)
{
    if (!right)
        abort();
}

static void check_value(const obs__cesql_result *result, size_t expression)
{
    const obs__cesql_value *value = &result->value;
    must(value->type != OBS__CESQL_NONE);
    must(value->type != OBS__CESQL_BOOLEAN || value->number == 0 || value->number == 1);
    must(value->type != OBS__CESQL_STRING || obs__utf8_valid(value->text.data, value->text.size));
    must((result->place > 0) == (result->fault != OBS__CESQL_FINE));
    must(result->place >= 0 && (size_t)result->place <= expression + 1);
    must(!obs__cesql_passes(result) || (result->fault == OBS__CESQL_FINE && value->number));
}

static void must_equal(const obs__cesql_result *a, const obs__cesql_result *b)
{
    must(a->fault == b->fault && a->value.type == b->value.type);
    must(a->value.type == OBS__CESQL_STRING ? obs__view_equal(a->value.text, b->value.text)
                                            : a->value.number == b->value.number);
}

/* Parentheses around the whole change nothing but the places. */
static void check_in_parentheses(const obs__cesql_result *result, obs__view expression, obs__view json)
{
    obs__cesql *program = NULL;
    obs__cesql_result again;
    char *text = obs__alloc(expression.size + 2);
    must(text != NULL);
    *text = '(';
    memcpy(text + 1, expression.data, expression.size);
    text[expression.size + 1] = ')';
    if (obs__cesql_compile(&program, text, expression.size + 2, NULL) == OBS_OK) { /* it may be too deep now, or too long */
        must(obs__cesql_evaluate_json(&again, program, json, NULL) == OBS_OK);
        must_equal(result, &again);
        obs__cesql_result_free(&again);
    }
    obs__cesql_free(program);
    obs__free(text);
}

/* When extensions are not all texts, the result may differ, but is one. */
static void check_event(const obs__cesql *program, obs__view expression, obs__view json)
{
    obs_event *event = NULL;
    obs__cesql_result result;
    if (obs_event_decode(&event, json.data, json.size, NULL) != OBS_OK)
        return;
    must(obs__cesql_evaluate(&result, program, event, NULL) == OBS_OK);
    check_value(&result, expression.size);
    obs__cesql_result_free(&result);
    obs_event_free(event);
}

static void check_program(const obs__cesql *program, obs__view expression, obs__view json)
{
    char why[256];
    obs__cesql_result result, again;
    obs_status status = obs__cesql_evaluate_json(&result, program, json, NULL);
    must(status == OBS_OK || status == OBS_INVALID_ARGUMENT);
    if (status == OBS_OK) {
        check_value(&result, expression.size);
        obs__cesql_explain(why, sizeof why, &result);
        must(obs__cesql_evaluate_json(&again, program, json, NULL) == OBS_OK);
        must_equal(&result, &again);
        obs__cesql_result_free(&again);
        check_in_parentheses(&result, expression, json);
        check_event(program, expression, json);
    }
    obs__cesql_result_free(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    obs__view expression = {(const char *)data, end ? (size_t)(end - data) : size};
    obs__view json = end ? (obs__view){(const char *)end + 1, size - expression.size - 1} : (obs__view){"{}", 2};
    obs__cesql *program = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs__cesql_compile(&program, expression.data, expression.size, &error) == OBS_OK)
        check_program(program, expression, json);
    else {
        must(!program && *error.message != '\0');
        must(error.column >= 0 && (size_t)error.column <= expression.size + 1);
    }
    obs__cesql_free(program);
    obs__cesql_compile_filter(&program, expression.data, expression.size, &error);
    obs__cesql_free(program);
    return 0;
}
