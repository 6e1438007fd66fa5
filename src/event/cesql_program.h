/* What the files of CloudEvents SQL share: the program, its functions, and a run of it. */
#ifndef OBS_EVENT_CESQL_PROGRAM_H
#define OBS_EVENT_CESQL_PROGRAM_H

#include "event/cesql.h"
#include "event/event.h"

/* What an op does with the values on the stack: it takes its operands from there and leaves its result. */
typedef enum obs__cesql_code {
    OBS__CESQL_PUSH_NUMBER,    /* number, of type `detail` */
    OBS__CESQL_PUSH_TEXT,      /* storage[number, size] */
    OBS__CESQL_PUSH_ATTRIBUTE, /* names[number] */
    OBS__CESQL_EXISTS,         /* names[number] */
    OBS__CESQL_NOT,
    OBS__CESQL_INVERT, /* the result of LIKE, IN: no cast */
    OBS__CESQL_NEGATE,
    OBS__CESQL_ADD,
    OBS__CESQL_SUBTRACT,
    OBS__CESQL_MULTIPLY,
    OBS__CESQL_DIVIDE,
    OBS__CESQL_REMAINDER,
    OBS__CESQL_EQUAL,
    OBS__CESQL_UNEQUAL,
    OBS__CESQL_LESS,
    OBS__CESQL_LESS_EQUAL,
    OBS__CESQL_GREATER,
    OBS__CESQL_GREATER_EQUAL,
    OBS__CESQL_AND,             /* false: to op `number`; else takes its operand away */
    OBS__CESQL_OR,              /* true: to op `number`; else takes its operand away */
    OBS__CESQL_BOOLEAN_OPERAND, /* the right side of AND, OR */
    OBS__CESQL_XOR,
    OBS__CESQL_LIKE,       /* pattern storage[number, size] */
    OBS__CESQL_IN,         /* takes an element away; when it is equal: true, and to op `number` */
    OBS__CESQL_IN_NONE,    /* no element was equal: false */
    OBS__CESQL_CALL,       /* functions[number] with `detail` arguments */
    OBS__CESQL_NO_FUNCTION /* storage[number, size] */
} obs__cesql_code;

typedef struct obs__cesql_op {
    uint8_t code;
    uint8_t detail;
    uint16_t place; /* in the expression: byte, from 1 */
    int32_t number;
    uint32_t size;
} obs__cesql_op;

typedef struct obs__cesql_name {
    obs__view text;                  /* small letters */
    const obs__core_attribute *core; /* NULL: an extension, or specversion */
} obs__cesql_name;

struct obs__cesql {
    obs__cesql_op *ops;
    size_t count, capacity;
    char *storage; /* texts and names; never more than the expression has */
    size_t used;
    obs__cesql_type type; /* of the result */
    size_t name_count;
    obs__cesql_name names[OBS__CESQL_NAMES_MAX];
};

/* In a pattern of LIKE; neither byte occurs in UTF-8. */
#define OBS__CESQL_ANY '\xFF' /* % */
#define OBS__CESQL_ONE '\xFE' /* _ */
int obs__cesql_like(obs__view text, obs__view pattern);

/* One evaluation. */
typedef struct obs__cesql_run {
    const obs__cesql *program;
    const obs__cesql_op *op; /* the one being run */
    obs__cesql_result *result;
    int lacks_memory;
    size_t top; /* values on the stack */
    obs__cesql_value stack[OBS__CESQL_STACK_MAX];
    obs__cesql_value attributes[OBS__CESQL_NAMES_MAX];
} obs__cesql_run;

/* Notes the first fault, at the op being run. Gives 0. */
int obs__cesql_fail(obs__cesql_run *run, obs__cesql_fault fault);
/* Room for a text as long as the result lives; NULL: a fault was noted, or memory lacks. */
char *obs__cesql_room(obs__cesql_run *run, size_t size);
/* Changes a value to a type; OBS__CESQL_NONE: as it is. 0: a fault was noted and the value is the type's zero. */
int obs__cesql_cast(obs__cesql_run *run, obs__cesql_value *value, obs__cesql_type type);
obs__cesql_value obs__cesql_zero(obs__cesql_type type);

/* Takes the attributes that the program wants. */
void obs__cesql_take_event(obs__cesql_run *run, const obs_event *event);
obs_status obs__cesql_take_json(obs__cesql_run *run, obs__view json, obs_error *error);

#define OBS__CESQL_VARIADIC 255
typedef struct obs__cesql_function {
    const char *name;
    uint8_t least, most; /* arguments */
    obs__cesql_type result;
    obs__cesql_type arguments[3]; /* the last one is that of all further ones */
    /* Arguments are cast already. The result replaces the first one; without arguments it is the zero of its type. */
    void (*call)(obs__cesql_run *run, obs__cesql_value *arguments, size_t count);
} obs__cesql_function;

#define OBS__CESQL_FUNCTIONS 13
extern const obs__cesql_function obs__cesql_functions[OBS__CESQL_FUNCTIONS];

/* The simple case mappings of Unicode, for one character. */
uint32_t obs__upper_case(uint32_t character);
uint32_t obs__lower_case(uint32_t character);

#endif
