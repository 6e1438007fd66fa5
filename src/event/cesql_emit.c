/* What the parser of CloudEvents SQL works with: faults with their place, the next word, and the program that grows. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "event/cesql_parse.h"

obs_status obs__parse_fail(const obs__parser *parser, const char *place, const char *message)
{
    int line = 1, column = 1;
    for (const char *at = parser->text; at < place; at++) {
        column = *at == '\n' ? 1 : column + (((unsigned char)*at & 0xC0) != 0x80);
        line += *at == '\n';
    }
    obs_status status = obs__fail(parser->error, OBS_INVALID_ARGUMENT, "%s (line %d, column %d)", message, line, column);
    obs__at(parser->error, line, column);
    return status;
}

obs_status obs__parse_expected(const obs__parser *parser, const char *what)
{
    char message[OBS_ERROR_TEXT_SIZE];
    const obs__token *token = &parser->token;
    if (token->kind == OBS__TOKEN_UNCLOSED)
        return obs__parse_fail(parser, token->text.data, "this quote is never closed");
    if (token->kind == OBS__TOKEN_END)
        snprintf(message, sizeof message, "expected %s, but the expression ends here", what);
    else
        snprintf(message, sizeof message, "expected %s, not '%.*s'", what, (int)(token->text.size < 64 ? token->text.size : 64),
                 token->text.data);
    return obs__parse_fail(parser, token->text.data, message);
}

void obs__parse_next(obs__parser *parser)
{
    parser->token = obs__cesql_token(parser->token.text.data + parser->token.text.size, parser->end);
}

int obs__parse_take(obs__parser *parser, obs__token_kind kind)
{
    if (parser->token.kind != kind)
        return 0;
    obs__parse_next(parser);
    return 1;
}

obs_status obs__parse_enter(obs__parser *parser)
{
    if (++parser->depth <= OBS__CESQL_DEPTH_MAX)
        return OBS_OK;
    return obs__parse_fail(parser, parser->token.text.data, "the expression is nested too deeply: at most 64 levels");
}

static obs_status grow(obs__parser *parser)
{
    obs__cesql *program = parser->program;
    if (program->count < program->capacity)
        return OBS_OK;
    size_t capacity = program->capacity ? 2 * program->capacity : 16;
    if (capacity > OBS__CESQL_OPS_MAX)
        return obs__parse_fail(parser, parser->token.text.data,
                               "the expression is too long: at most 4,096 values and operators");
    obs__cesql_op *ops = obs__realloc(program->ops, capacity * sizeof *ops);
    if (!ops)
        return obs__fail_memory(parser->error);
    program->ops = ops;
    program->capacity = capacity;
    return OBS_OK;
}

/* Adds an op that takes so many values from the stack and leaves one. `place` is where its faults are shown. */
obs_status obs__emit(obs__parser *parser, obs__cesql_op op, const char *place, size_t operands)
{
    obs_status status = grow(parser);
    if (status != OBS_OK)
        return status;
    parser->stack += 1 - operands;
    if (parser->stack > OBS__CESQL_STACK_MAX)
        return obs__parse_fail(parser, place, "too many values wait for their operator here: at most 128");
    op.place = (uint16_t)(place - parser->text + 1);
    parser->program->ops[parser->program->count++] = op;
    return OBS_OK;
}

/* An op that goes on elsewhere; *jump is given to obs__emit_land(). It takes one value away when it does not. */
obs_status obs__emit_jump(obs__parser *parser, obs__cesql_code code, const char *place, size_t *jump)
{
    *jump = parser->program->count;
    obs_status status = obs__emit(parser, (obs__cesql_op){.code = (uint8_t)code}, place, 1);
    parser->stack--;
    return status;
}

void obs__emit_land(const obs__parser *parser, size_t jump)
{
    parser->program->ops[jump].number = (int32_t)parser->program->count;
}

/* Keeps a text with the program; `escaped` before which a backslash goes away, '\0': none. */
obs__view obs__emit_keep(obs__parser *parser, obs__view text, char escaped)
{
    char *to = parser->program->storage + parser->program->used;
    obs__view kept = {to, 0};
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\\' && i + 1 < text.size) {
            if (text.data[i + 1] != escaped)
                to[kept.size++] = '\\';
            i++;
        }
        to[kept.size++] = text.data[i];
    }
    parser->program->used += kept.size;
    return kept;
}

int32_t obs__emit_place(const obs__parser *parser, obs__view kept)
{
    return (int32_t)(kept.data - parser->program->storage);
}
