/* From the text of an expression to its program: recursive descent, each rule leaves one value on the stack of the run. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/url.h"
#include "event/cesql_parse.h"

static obs_status expression(obs__parser *parser);

/* ---- values ---- */

static obs_status integer(obs__parser *parser, const char *place, int negative)
{
    int64_t number = 0;
    obs__view digits = parser->token.text;
    for (size_t i = 0; i < digits.size && number <= INT32_MAX; i++)
        number = number * 10 + digits.data[i] - '0';
    if (number > (int64_t)INT32_MAX + negative)
        return obs__parse_fail(parser, place, "an integer lies between -2147483648 and 2147483647");
    obs__parse_next(parser);
    parser->type = OBS__CESQL_INTEGER;
    obs__cesql_op op = {.code = OBS__CESQL_PUSH_NUMBER, .detail = OBS__CESQL_INTEGER};
    op.number = (int32_t)(negative ? -number : number);
    return obs__emit(parser, op, place, 0);
}

static obs_status boolean(obs__parser *parser)
{
    obs__token token = parser->token;
    obs__parse_next(parser);
    parser->type = OBS__CESQL_BOOLEAN;
    obs__cesql_op op = {.code = OBS__CESQL_PUSH_NUMBER, .detail = OBS__CESQL_BOOLEAN};
    op.number = token.kind == OBS__TOKEN_TRUE;
    return obs__emit(parser, op, token.text.data, 0);
}

static obs__view between_quotes(obs__token token)
{
    return (obs__view){token.text.data + 1, token.text.size - 2};
}

static obs_status text(obs__parser *parser)
{
    obs__token token = parser->token;
    obs__parse_next(parser);
    obs__view kept = obs__emit_keep(parser, between_quotes(token), *token.text.data);
    parser->type = OBS__CESQL_STRING;
    obs__cesql_op op = {.code = OBS__CESQL_PUSH_TEXT, .number = obs__emit_place(parser, kept), .size = (uint32_t)kept.size};
    return obs__emit(parser, op, token.text.data, 0);
}

static obs_status check_name(const obs__parser *parser, obs__view name)
{
    int is_data = name.size == 4 && strncasecmp(name.data, "data", 4) == 0;
    if (memchr(name.data, '_', name.size))
        return obs__parse_fail(parser, name.data, "the name of an attribute has only letters and digits");
    if (parser->is_filter && is_data)
        return obs__parse_fail(parser, name.data,
                               "a filter sees the attributes of an event, not its data: put what it shall see there");
    return OBS_OK;
}

static int name_is(const obs__cesql_name *name, obs__view word)
{
    return name->text.size == word.size && strncasecmp(name->text.data, word.data, word.size) == 0;
}

/* The number of an attribute; the same for each use. */
static obs_status name_of(obs__parser *parser, int32_t *out, obs__view word)
{
    obs__cesql *program = parser->program;
    obs_status status = check_name(parser, word);
    for (*out = 0; status == OBS_OK && (size_t)*out < program->name_count; ++*out)
        if (name_is(&program->names[*out], word))
            return OBS_OK;
    if (status != OBS_OK)
        return status;
    if (program->name_count == OBS__CESQL_NAMES_MAX)
        return obs__parse_fail(parser, word.data, "an expression uses at most 64 different attributes");
    obs__cesql_name *name = &program->names[program->name_count++];
    char *letters = program->storage + program->used;
    name->text = obs__emit_keep(parser, word, '\0');
    for (size_t i = 0; i < word.size; i++)
        letters[i] = (char)(letters[i] >= 'A' && letters[i] <= 'Z' ? letters[i] + 'a' - 'A' : letters[i]);
    name->core = obs__core_attribute_of(name->text);
    return OBS_OK;
}

static obs_status attribute(obs__parser *parser, obs__view word)
{
    obs__cesql_op op = {.code = OBS__CESQL_PUSH_ATTRIBUTE};
    obs_status status = name_of(parser, &op.number, word);
    if (status != OBS_OK)
        return status;
    parser->type = parser->program->names[op.number].core ? OBS__CESQL_STRING : OBS__CESQL_NONE;
    return obs__emit(parser, op, word.data, 0);
}

static obs_status exists(obs__parser *parser)
{
    obs__cesql_op op = {.code = OBS__CESQL_EXISTS};
    const char *place = parser->token.text.data;
    obs__parse_next(parser);
    obs__token token = parser->token;
    if (token.kind != OBS__TOKEN_WORD && token.kind != OBS__TOKEN_INTEGER)
        return obs__parse_expected(parser, "the name of an attribute behind EXISTS");
    obs__parse_next(parser);
    obs_status status = name_of(parser, &op.number, token.text);
    parser->type = OBS__CESQL_BOOLEAN;
    return status == OBS_OK ? obs__emit(parser, op, place, 0) : status;
}

/* ---- functions ---- */

static int function_is(const obs__cesql_function *function, obs__view name)
{
    return strlen(function->name) == name.size && strncasecmp(function->name, name.data, name.size) == 0;
}

static obs_status refuse_function(const obs__parser *parser, obs__view name, size_t count)
{
    char word[64] = "", message[256];
    const char *names[OBS__CESQL_FUNCTIONS + 1] = {NULL};
    for (size_t i = 0; i < name.size && i < sizeof word - 1; i++)
        word[i] = (char)(name.data[i] >= 'a' && name.data[i] <= 'z' ? name.data[i] - 'a' + 'A' : name.data[i]);
    for (size_t i = 0; i < OBS__CESQL_FUNCTIONS; i++) {
        names[i] = obs__cesql_functions[i].name;
        if (function_is(&obs__cesql_functions[i], name)) {
            snprintf(message, sizeof message, "%s does not take %zu arguments", names[i], count);
            return obs__parse_fail(parser, name.data, message);
        }
    }
    const char *nearest = obs__nearest(word, names);
    snprintf(message, sizeof message, "there is no function %s%s%s%s", word, nearest ? ": did you mean " : "",
             nearest ? nearest : "", nearest ? "?" : "");
    return obs__parse_fail(parser, name.data, message);
}

static obs_status arguments(obs__parser *parser, size_t *count)
{
    obs_status status = OBS_OK;
    if (obs__parse_take(parser, OBS__TOKEN_CLOSE))
        return OBS_OK;
    do {
        status = expression(parser);
        ++*count;
    } while (status == OBS_OK && obs__parse_take(parser, OBS__TOKEN_COMMA));
    if (status == OBS_OK && !obs__parse_take(parser, OBS__TOKEN_CLOSE))
        return obs__parse_expected(parser, "an operator, ',' or ')'");
    return status;
}

/* A function that does not exist is a fault of the run; what was made of its arguments goes away then. */
static obs_status no_function(obs__parser *parser, obs__view name, size_t count, size_t begin)
{
    if (parser->is_filter)
        return refuse_function(parser, name, count);
    parser->program->count = begin;
    parser->stack -= count;
    obs__view kept = obs__emit_keep(parser, name, '\0');
    parser->type = OBS__CESQL_BOOLEAN;
    obs__cesql_op op = {.code = OBS__CESQL_NO_FUNCTION, .number = obs__emit_place(parser, kept), .size = (uint32_t)kept.size};
    return obs__emit(parser, op, name.data, 0);
}

static obs_status check_function_name(const obs__parser *parser, obs__view name)
{
    for (size_t i = 0; i < name.size; i++)
        if ((name.data[i] >= '0' && name.data[i] <= '9') || *name.data == '_')
            return obs__parse_fail(parser, name.data, "the name of a function has only letters, and '_' within");
    return OBS_OK;
}

static obs_status call(obs__parser *parser, obs__view name)
{
    size_t count = 0, begin = parser->program->count;
    obs_status status = check_function_name(parser, name);
    if (status == OBS_OK)
        status = arguments(parser, &count);
    for (size_t i = 0; status == OBS_OK && i < OBS__CESQL_FUNCTIONS; i++) {
        const obs__cesql_function *function = &obs__cesql_functions[i];
        if (!function_is(function, name) || count < function->least || count > function->most)
            continue;
        parser->type = function->result;
        obs__cesql_op op = {.code = OBS__CESQL_CALL, .detail = (uint8_t)count, .number = (int32_t)i};
        return obs__emit(parser, op, name.data, count);
    }
    return status == OBS_OK ? no_function(parser, name, count, begin) : status;
}

/* ---- operators ---- */

static obs_status primary(obs__parser *parser)
{
    obs__token token = parser->token;
    obs_status status;
    switch (token.kind) {
    case OBS__TOKEN_INTEGER:
        return integer(parser, token.text.data, 0);
    case OBS__TOKEN_TRUE:
    case OBS__TOKEN_FALSE:
        return boolean(parser);
    case OBS__TOKEN_TEXT:
        return text(parser);
    case OBS__TOKEN_EXISTS:
        return exists(parser);
    case OBS__TOKEN_WORD:
        obs__parse_next(parser);
        return obs__parse_take(parser, OBS__TOKEN_OPEN) ? call(parser, token.text) : attribute(parser, token.text);
    case OBS__TOKEN_OPEN:
        obs__parse_next(parser);
        status = expression(parser);
        if (status == OBS_OK && !obs__parse_take(parser, OBS__TOKEN_CLOSE))
            return obs__parse_expected(parser, "an operator or ')'");
        return status;
    default:
        return obs__parse_expected(parser, "a value: an attribute, a text in quotes, a number, TRUE, FALSE, a function or '('");
    }
}

static obs_status unary(obs__parser *parser);

/* A sign that touches digits belongs to them, or -2147483648 could not be written. */
static obs_status signed_value(obs__parser *parser)
{
    obs__token sign = parser->token;
    obs__parse_next(parser);
    int touches = parser->token.text.data == sign.text.data + 1;
    if (parser->token.kind == OBS__TOKEN_INTEGER && touches)
        return integer(parser, sign.text.data, sign.kind == OBS__TOKEN_MINUS);
    if (sign.kind == OBS__TOKEN_PLUS)
        return obs__parse_expected(parser, "digits directly behind '+'");
    obs_status status = unary(parser);
    parser->type = OBS__CESQL_INTEGER;
    return status == OBS_OK ? obs__emit(parser, (obs__cesql_op){.code = OBS__CESQL_NEGATE}, sign.text.data, 1) : status;
}

static obs_status unary(obs__parser *parser)
{
    obs__token token = parser->token;
    obs_status status = obs__parse_enter(parser);
    if (status != OBS_OK)
        return status;
    if (token.kind == OBS__TOKEN_MINUS || token.kind == OBS__TOKEN_PLUS)
        status = signed_value(parser);
    else if (obs__parse_take(parser, OBS__TOKEN_NOT)) {
        status = unary(parser);
        if (status == OBS_OK)
            status = obs__emit(parser, (obs__cesql_op){.code = OBS__CESQL_NOT}, token.text.data, 1);
        parser->type = OBS__CESQL_BOOLEAN;
    } else
        status = primary(parser);
    parser->depth--;
    return status;
}

/* The pattern is compiled: wildcards become bytes that no text has, and their backslashes go. */
static obs_status like(obs__parser *parser, const char *place)
{
    obs__token token = parser->token;
    if (token.kind != OBS__TOKEN_TEXT)
        return obs__parse_expected(parser, "a text in quotes behind LIKE");
    obs__parse_next(parser);
    obs__view raw = obs__emit_keep(parser, between_quotes(token), *token.text.data);
    char *pattern = parser->program->storage + obs__emit_place(parser, raw);
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.data[i];
        if (c == '\\' && i + 1 < raw.size && (raw.data[i + 1] == '%' || raw.data[i + 1] == '_'))
            pattern[size++] = raw.data[++i];
        else
            pattern[size++] = c == '%' ? OBS__CESQL_ANY : c == '_' ? OBS__CESQL_ONE : c;
    }
    obs__cesql_op op = {.code = OBS__CESQL_LIKE, .number = obs__emit_place(parser, raw), .size = (uint32_t)size};
    return obs__emit(parser, op, place, 1);
}

/* Each element that is equal goes to the end: their jumps form a chain through `number` until it is known where that is. */
static obs_status elements(obs__parser *parser, int32_t *chain)
{
    size_t jump;
    obs_status status = OBS_OK;
    *chain = -1;
    do {
        const char *element = parser->token.text.data;
        status = expression(parser);
        if (status == OBS_OK)
            status = obs__emit_jump(parser, OBS__CESQL_IN, element, &jump);
        if (status == OBS_OK) {
            parser->program->ops[jump].number = *chain;
            *chain = (int32_t)jump;
        }
    } while (status == OBS_OK && obs__parse_take(parser, OBS__TOKEN_COMMA));
    return status;
}

static obs_status in(obs__parser *parser, const char *place)
{
    int32_t chain, before;
    if (!obs__parse_take(parser, OBS__TOKEN_OPEN))
        return obs__parse_expected(parser, "'(' behind IN");
    obs_status status = obs__parse_enter(parser);
    if (status == OBS_OK)
        status = elements(parser, &chain);
    if (status == OBS_OK && !obs__parse_take(parser, OBS__TOKEN_CLOSE))
        return obs__parse_expected(parser, "an operator, ',' or ')'");
    if (status == OBS_OK)
        status = obs__emit(parser, (obs__cesql_op){.code = OBS__CESQL_IN_NONE}, place, 1);
    for (; status == OBS_OK && chain >= 0; chain = before) {
        before = parser->program->ops[chain].number;
        obs__emit_land(parser, (size_t)chain);
    }
    parser->depth--;
    return status;
}

/* LIKE and IN stand behind their left side. */
static obs_status membership(obs__parser *parser)
{
    obs_status status = unary(parser);
    while (status == OBS_OK) {
        const char *place = parser->token.text.data;
        int inverted = obs__parse_take(parser, OBS__TOKEN_NOT);
        if (obs__parse_take(parser, OBS__TOKEN_LIKE))
            status = like(parser, place);
        else if (obs__parse_take(parser, OBS__TOKEN_IN))
            status = in(parser, place);
        else
            return inverted ? obs__parse_expected(parser, "LIKE or IN behind NOT") : OBS_OK;
        if (status == OBS_OK && inverted)
            status = obs__emit(parser, (obs__cesql_op){.code = OBS__CESQL_INVERT}, place, 1);
        parser->type = OBS__CESQL_BOOLEAN;
    }
    return status;
}

/* The binary operators by how tightly they bind; those of one level from left to right. */
static const struct {
    uint8_t level, code, type;
} operators[] = {
    [OBS__TOKEN_STAR] = {4, OBS__CESQL_MULTIPLY, OBS__CESQL_INTEGER},
    [OBS__TOKEN_SLASH] = {4, OBS__CESQL_DIVIDE, OBS__CESQL_INTEGER},
    [OBS__TOKEN_PERCENT] = {4, OBS__CESQL_REMAINDER, OBS__CESQL_INTEGER},
    [OBS__TOKEN_PLUS] = {3, OBS__CESQL_ADD, OBS__CESQL_INTEGER},
    [OBS__TOKEN_MINUS] = {3, OBS__CESQL_SUBTRACT, OBS__CESQL_INTEGER},
    [OBS__TOKEN_EQUAL] = {2, OBS__CESQL_EQUAL, OBS__CESQL_BOOLEAN},
    [OBS__TOKEN_UNEQUAL] = {2, OBS__CESQL_UNEQUAL, OBS__CESQL_BOOLEAN},
    [OBS__TOKEN_LESS] = {2, OBS__CESQL_LESS, OBS__CESQL_BOOLEAN},
    [OBS__TOKEN_LESS_EQUAL] = {2, OBS__CESQL_LESS_EQUAL, OBS__CESQL_BOOLEAN},
    [OBS__TOKEN_GREATER] = {2, OBS__CESQL_GREATER, OBS__CESQL_BOOLEAN},
    [OBS__TOKEN_GREATER_EQUAL] = {2, OBS__CESQL_GREATER_EQUAL, OBS__CESQL_BOOLEAN},
    [OBS__TOKEN_AND] = {1, OBS__CESQL_AND, OBS__CESQL_BOOLEAN},
    [OBS__TOKEN_OR] = {1, OBS__CESQL_OR, OBS__CESQL_BOOLEAN},
    [OBS__TOKEN_XOR] = {1, OBS__CESQL_XOR, OBS__CESQL_BOOLEAN},
};

static obs_status binary(obs__parser *parser, int level);

/* AND and OR: what is known behind the left side goes past the right one. */
static obs_status short_circuit(obs__parser *parser, obs__cesql_code code, const char *place)
{
    size_t jump;
    obs_status status = obs__emit_jump(parser, code, place, &jump);
    const char *right = parser->token.text.data;
    if (status == OBS_OK)
        status = binary(parser, 2);
    if (status == OBS_OK)
        status = obs__emit(parser, (obs__cesql_op){.code = OBS__CESQL_BOOLEAN_OPERAND}, right, 1);
    if (status == OBS_OK)
        obs__emit_land(parser, jump);
    return status;
}

static obs_status binary(obs__parser *parser, int level)
{
    obs_status status = level > 4 ? membership(parser) : binary(parser, level + 1);
    while (level <= 4 && status == OBS_OK && parser->token.kind >= OBS__TOKEN_AND &&
           operators[parser->token.kind].level == level) {
        obs__token token = parser->token;
        obs__cesql_code code = (obs__cesql_code)operators[token.kind].code;
        obs__parse_next(parser);
        if (code == OBS__CESQL_AND || code == OBS__CESQL_OR)
            status = short_circuit(parser, code, token.text.data);
        else {
            status = binary(parser, level + 1);
            if (status == OBS_OK)
                status = obs__emit(parser, (obs__cesql_op){.code = (uint8_t)code}, token.text.data, 2);
        }
        parser->type = (obs__cesql_type)operators[token.kind].type;
    }
    return status;
}

static obs_status expression(obs__parser *parser)
{
    return binary(parser, 1);
}

/* ---- whole expressions ---- */

static obs_status whole(obs__parser *parser)
{
    obs_status status = expression(parser);
    if (status == OBS_OK && parser->token.kind != OBS__TOKEN_END)
        status = obs__parse_expected(parser, "an operator or the end");
    if (status != OBS_OK)
        return status;
    parser->program->type = parser->type;
    if (!parser->is_filter || parser->type == OBS__CESQL_BOOLEAN || parser->type == OBS__CESQL_NONE)
        return OBS_OK;
    return obs__parse_fail(parser, parser->text,
                           parser->type == OBS__CESQL_STRING
                               ? "a filter must be true or false, and this is always a text: compare it, as in type = 'a.b'"
                               : "a filter must be true or false, and this is always an integer: compare it, as in hops < 3");
}

static obs_status compile(obs__cesql **out, obs__view text, int is_filter, obs_error *error)
{
    obs__parser parser = {.text = text.data, .end = text.data + text.size, .is_filter = is_filter, .error = error};
    *out = NULL;
    if (text.size > OBS__CESQL_TEXT_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the expression is longer than %d bytes", OBS__CESQL_TEXT_MAX);
    if (!obs__utf8_valid(text.data, text.size) || memchr(text.data, '\0', text.size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the expression is not UTF-8");
    obs__cesql *program = parser.program = obs__calloc(1, sizeof *program);
    if (program)
        program->storage = obs__alloc(text.size + 1);
    if (!program || !program->storage) {
        obs__cesql_free(program);
        return obs__fail_memory(error);
    }
    parser.token = (obs__token){OBS__TOKEN_END, {text.data, 0}};
    obs__parse_next(&parser);
    obs_status status = whole(&parser);
    if (status == OBS_OK)
        *out = program;
    else
        obs__cesql_free(program);
    return status;
}

obs_status obs__cesql_compile(obs__cesql **out, const char *text, size_t size, obs_error *error)
{
    return compile(out, obs__view_of(text, size), 0, error);
}

obs_status obs__cesql_compile_filter(obs__cesql **out, const char *text, size_t size, obs_error *error)
{
    return compile(out, obs__view_of(text, size), 1, error);
}

void obs__cesql_free(obs__cesql *program)
{
    if (!program)
        return;
    obs__free(program->ops);
    obs__free(program->storage);
    obs__free(program);
}
