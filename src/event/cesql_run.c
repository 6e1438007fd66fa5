/* Running a program of CloudEvents SQL. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "event/cesql_program.h"

static obs__cesql_value *top_of(obs__cesql_run *run)
{
    return &run->stack[run->top - 1];
}

static void push(obs__cesql_run *run, obs__cesql_value value)
{
    run->stack[run->top++] = value;
}

static void set_boolean(obs__cesql_run *run, int32_t number)
{
    *top_of(run) = (obs__cesql_value){OBS__CESQL_BOOLEAN, number, {"", 0}};
}

static obs__view stored(const obs__cesql_run *run)
{
    return (obs__view){run->program->storage + run->op->number, run->op->size};
}

static int equal(const obs__cesql_value *left, const obs__cesql_value *right)
{
    return left->type == OBS__CESQL_STRING ? obs__view_equal(left->text, right->text) : left->number == right->number;
}

/* ---- operators; those that jump give where to, SIZE_MAX being the next op ---- */

static void push_attribute(obs__cesql_run *run)
{
    const obs__cesql_value *value = &run->attributes[run->op->number];
    if (value->type != OBS__CESQL_NONE) {
        push(run, *value);
        return;
    }
    push(run, obs__cesql_zero(OBS__CESQL_NONE));
    run->result->about = run->program->names[run->op->number].text;
    obs__cesql_fail(run, OBS__CESQL_MISSING_ATTRIBUTE);
}

static void no_function(obs__cesql_run *run)
{
    push(run, obs__cesql_zero(OBS__CESQL_NONE));
    run->result->about = stored(run);
    obs__cesql_fail(run, OBS__CESQL_MISSING_FUNCTION);
}

/* The test kit holds NOT of an integer for a wrong cast, against the text of the specification. A cast that fails gives false,
 * whose inverse is the result. */
static void not(obs__cesql_run * run)
{
    if (top_of(run)->type == OBS__CESQL_INTEGER) {
        obs__cesql_fail(run, OBS__CESQL_CAST);
        set_boolean(run, 0);
    }
    obs__cesql_cast(run, top_of(run), OBS__CESQL_BOOLEAN);
    set_boolean(run, !top_of(run)->number);
}

static void set_integer(obs__cesql_run *run, int64_t number)
{
    if (number > INT32_MAX || number < INT32_MIN) {
        obs__cesql_fail(run, OBS__CESQL_MATH);
        number = 0;
    }
    *top_of(run) = (obs__cesql_value){OBS__CESQL_INTEGER, (int32_t)number, {"", 0}};
}

static void negate(obs__cesql_run *run)
{
    obs__cesql_cast(run, top_of(run), OBS__CESQL_INTEGER);
    set_integer(run, -(int64_t)top_of(run)->number);
}

/* Both operands as integers; 0 when they are not. */
static int integers(obs__cesql_run *run, int64_t *left, int64_t *right)
{
    obs__cesql_value *operands = &run->stack[--run->top - 1];
    int done = obs__cesql_cast(run, &operands[0], OBS__CESQL_INTEGER) && obs__cesql_cast(run, &operands[1], OBS__CESQL_INTEGER);
    *left = operands[0].number;
    *right = operands[1].number;
    return done;
}

static int64_t computed(obs__cesql_run *run, int64_t left, int64_t right)
{
    switch (run->op->code) {
    case OBS__CESQL_ADD:
        return left + right;
    case OBS__CESQL_SUBTRACT:
        return left - right;
    case OBS__CESQL_MULTIPLY:
        return left * right;
    default:
        if (right == 0)
            return obs__cesql_fail(run, OBS__CESQL_MATH);
        return run->op->code == OBS__CESQL_DIVIDE ? left / right : left % right;
    }
}

static void compute(obs__cesql_run *run)
{
    int64_t left, right;
    set_integer(run, integers(run, &left, &right) ? computed(run, left, right) : 0);
}

static int32_t compared(uint8_t code, int64_t left, int64_t right)
{
    switch (code) {
    case OBS__CESQL_LESS:
        return left < right;
    case OBS__CESQL_LESS_EQUAL:
        return left <= right;
    case OBS__CESQL_GREATER:
        return left > right;
    default:
        return left >= right;
    }
}

static void compare(obs__cesql_run *run)
{
    int64_t left, right;
    set_boolean(run, integers(run, &left, &right) && compared(run->op->code, left, right));
}

/* The right side says which `=` is meant. */
static void compare_equal(obs__cesql_run *run, int wanted)
{
    obs__cesql_value *operands = &run->stack[--run->top - 1];
    int done = obs__cesql_cast(run, &operands[0], operands[1].type);
    set_boolean(run, done && equal(&operands[0], &operands[1]) == wanted);
}

static size_t short_circuit(obs__cesql_run *run, int32_t known)
{
    obs__cesql_cast(run, top_of(run), OBS__CESQL_BOOLEAN);
    if (top_of(run)->number == known)
        return (size_t)run->op->number;
    run->top--;
    return SIZE_MAX;
}

static void exclusive_or(obs__cesql_run *run)
{
    obs__cesql_value *operands = &run->stack[--run->top - 1];
    int done = obs__cesql_cast(run, &operands[0], OBS__CESQL_BOOLEAN) && obs__cesql_cast(run, &operands[1], OBS__CESQL_BOOLEAN);
    set_boolean(run, done && operands[0].number != operands[1].number);
}

static void like(obs__cesql_run *run)
{
    int done = obs__cesql_cast(run, top_of(run), OBS__CESQL_STRING);
    set_boolean(run, done && obs__cesql_like(top_of(run)->text, stored(run)));
}

/* Here the left side says which `=` is meant. */
static size_t in(obs__cesql_run *run)
{
    obs__cesql_value *operands = &run->stack[--run->top - 1];
    if (!obs__cesql_cast(run, &operands[1], operands[0].type) || !equal(&operands[0], &operands[1]))
        return SIZE_MAX;
    set_boolean(run, 1);
    return (size_t)run->op->number;
}

static void call(obs__cesql_run *run)
{
    const obs__cesql_function *function = &obs__cesql_functions[run->op->number];
    size_t count = run->op->detail;
    if (!count)
        push(run, obs__cesql_zero(function->result));
    else
        run->top -= count - 1;
    int done = 1;
    for (size_t i = 0; done && i < count; i++)
        done = obs__cesql_cast(run, top_of(run) + i, function->arguments[i < 3 ? i : 2]);
    if (done)
        function->call(run, top_of(run), count);
    else
        *top_of(run) = obs__cesql_zero(function->result);
}

static size_t step(obs__cesql_run *run)
{
    switch ((obs__cesql_code)run->op->code) {
    case OBS__CESQL_PUSH_NUMBER:
        push(run, (obs__cesql_value){(obs__cesql_type)run->op->detail, run->op->number, {"", 0}});
        break;
    case OBS__CESQL_PUSH_TEXT:
        push(run, (obs__cesql_value){OBS__CESQL_STRING, 0, stored(run)});
        break;
    case OBS__CESQL_PUSH_ATTRIBUTE:
        push_attribute(run);
        break;
    case OBS__CESQL_EXISTS:
        push(run, (obs__cesql_value){OBS__CESQL_BOOLEAN, run->attributes[run->op->number].type != OBS__CESQL_NONE, {"", 0}});
        break;
    case OBS__CESQL_NOT:
        not(run);
        break;
    case OBS__CESQL_INVERT:
        set_boolean(run, !top_of(run)->number);
        break;
    case OBS__CESQL_NEGATE:
        negate(run);
        break;
    case OBS__CESQL_ADD:
    case OBS__CESQL_SUBTRACT:
    case OBS__CESQL_MULTIPLY:
    case OBS__CESQL_DIVIDE:
    case OBS__CESQL_REMAINDER:
        compute(run);
        break;
    case OBS__CESQL_EQUAL:
    case OBS__CESQL_UNEQUAL:
        compare_equal(run, run->op->code == OBS__CESQL_EQUAL);
        break;
    case OBS__CESQL_LESS:
    case OBS__CESQL_LESS_EQUAL:
    case OBS__CESQL_GREATER:
    case OBS__CESQL_GREATER_EQUAL:
        compare(run);
        break;
    case OBS__CESQL_AND:
    case OBS__CESQL_OR:
        return short_circuit(run, run->op->code == OBS__CESQL_OR);
    case OBS__CESQL_BOOLEAN_OPERAND:
        obs__cesql_cast(run, top_of(run), OBS__CESQL_BOOLEAN);
        break;
    case OBS__CESQL_XOR:
        exclusive_or(run);
        break;
    case OBS__CESQL_LIKE:
        like(run);
        break;
    case OBS__CESQL_IN:
        return in(run);
    case OBS__CESQL_IN_NONE:
        set_boolean(run, 0);
        break;
    case OBS__CESQL_CALL:
        call(run);
        break;
    case OBS__CESQL_NO_FUNCTION:
        no_function(run);
        break;
    }
    return SIZE_MAX;
}

/* ---- whole programs ---- */

static obs_status evaluate(obs__cesql_run *run, obs_error *error)
{
    const obs__cesql *program = run->program;
    size_t at = 0;
    while (at < program->count && run->result->fault == OBS__CESQL_FINE && !run->lacks_memory) {
        run->op = &program->ops[at];
        size_t to = step(run);
        at = to == SIZE_MAX ? at + 1 : to;
    }
    if (run->lacks_memory)
        return obs__fail_memory(error);
    /* The last op is the root: only what it gives together with a fault is the value of the whole. */
    run->result->value = at == program->count ? *top_of(run) : obs__cesql_zero(program->type);
    return OBS_OK;
}

static void begin(obs__cesql_run *run, obs__cesql_result *result, const obs__cesql *program)
{
    memset(result, 0, offsetof(obs__cesql_result, room));
    result->value = obs__cesql_zero(program->type);
    run->program = program;
    run->op = program->ops;
    run->result = result;
    run->lacks_memory = 0;
    run->top = 0;
}

obs_status obs__cesql_evaluate(obs__cesql_result *out, const obs__cesql *program, const obs_event *event, obs_error *error)
{
    obs__cesql_run run;
    begin(&run, out, program);
    obs__cesql_take_event(&run, event);
    return evaluate(&run, error);
}

obs_status obs__cesql_evaluate_json(obs__cesql_result *out, const obs__cesql *program, obs__view json, obs_error *error)
{
    obs__cesql_run run;
    begin(&run, out, program);
    obs_status status = obs__cesql_take_json(&run, json, error);
    return status == OBS_OK ? evaluate(&run, error) : status;
}

int obs__cesql_passes(const obs__cesql_result *result)
{
    return result->fault == OBS__CESQL_FINE && result->value.type == OBS__CESQL_BOOLEAN && result->value.number;
}

void obs__cesql_explain(char *out, size_t capacity, const obs__cesql_result *result)
{
    static const char *const sentences[] = {
        [OBS__CESQL_FINE] = "it is neither true nor false",
        [OBS__CESQL_MATH] = "a number is divided by zero, or becomes too large",
        [OBS__CESQL_CAST] = "a value cannot be read as the type that is needed",
        [OBS__CESQL_MISSING_ATTRIBUTE] = "the event has no such attribute: write EXISTS before it",
        [OBS__CESQL_MISSING_FUNCTION] = "there is no such function",
        [OBS__CESQL_FUNCTION_EVALUATION] = "a function cannot do that with its arguments",
    };
    if (result->about.size)
        snprintf(out, capacity, "%.*s at byte %d: %s", (int)(result->about.size < 64 ? result->about.size : 64),
                 result->about.data, result->place, sentences[result->fault]);
    else if (result->place)
        snprintf(out, capacity, "at byte %d: %s", result->place, sentences[result->fault]);
    else
        snprintf(out, capacity, "%s", sentences[result->fault]);
}

obs_status obs__cesql_matches(int *out, const obs__cesql *filter, const obs_event *event, obs_error *error)
{
    obs__cesql_result result;
    *out = 0;
    obs_status status = obs__cesql_evaluate(&result, filter, event, error);
    if (status == OBS_OK)
        *out = obs__cesql_passes(&result);
    obs__cesql_result_free(&result);
    return status;
}
