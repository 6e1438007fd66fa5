/* One validation: what schema_check.c, schema_apply.c and their neighbours share. */
#ifndef OBS_BASE_SCHEMA_RUN_H
#define OBS_BASE_SCHEMA_RUN_H

#include "base/schema_tree.h"

/* Where in the document a value stands; on the stack, innermost first. */
typedef struct obs__schema_path {
    const struct obs__schema_path *up; /* NULL at the root */
    const char *name;                  /* NULL in an array */
    size_t index;                      /* position in the object or array */
    unsigned depth;
} obs__schema_path;

enum { OBS__ORDER_MAX = 24 };

/* The earliest place that does not fit, and why. */
typedef struct obs__schema_failure {
    int found;
    unsigned depth;
    size_t order[OBS__ORDER_MAX];
    char text[400];
} obs__schema_failure;

/* The schema resources on the way to here, innermost first. */
typedef struct obs__schema_scope {
    const struct obs__schema_scope *up;
    const obs__schema_resource *resource;
} obs__schema_scope;

/* Which members or items of one value were evaluated. */
typedef struct obs__schema_marks {
    size_t count;
    uint64_t few;
    uint64_t *many; /* when there are more than 64 */
} obs__schema_marks;

typedef struct obs__schema_run {
    const obs__schema *schema;
    const obs__schema_scope *scope;
    obs__regex_work *regex;
    obs__schema_failure *failure; /* NULL: only whether it fits; return at the first failure */
    uint64_t steps;
    unsigned matches;
    int64_t matching_since_ms;
    unsigned calls;
    int no_memory;       /* gave up for want of memory: that says nothing about the document */
    const char *gave_up; /* why the validation was ended; everything returns quickly then */
} obs__schema_run;

typedef struct obs__schema_place {
    const json_t *value;
    const obs__schema_path *path;
    obs__schema_marks *marks; /* NULL: nobody asks */
} obs__schema_place;

/* schema_run.c */
int obs__schema_fits(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place);
/* Without a message: for branches that may fail. */
int obs__schema_would_fit(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place);
/* Ends the validation for want of memory; 0. */
int obs__schema_no_memory(obs__schema_run *run);
int obs__schema_steps(obs__schema_run *run, uint64_t steps);
/* Says why a value does not fit. Always 0. */
int obs__schema_report(obs__schema_run *run, const obs__schema_path *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int obs__schema_matches(obs__schema_run *run, const obs__regex *regex, const char *text, size_t size);

/* schema_check.c: assertions about one value. */
int obs__schema_check_type(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place);
int obs__schema_check_value(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place);
int obs__schema_unique(obs__schema_run *run, const json_t *array, size_t *out_first, size_t *out_second);

/* schema_apply.c and schema_combine.c */
int obs__schema_apply_object(obs__schema_run *run, const obs__schema_object *object, const obs__schema_place *place);
int obs__schema_apply_array(obs__schema_run *run, const obs__schema_array *array, const obs__schema_place *place);
int obs__schema_apply_combine(obs__schema_run *run, const obs__schema_combine *combine, const obs__schema_place *place);
int obs__schema_apply_others(obs__schema_run *run, const obs__schema_node *node, const obs__schema_place *place);

/* schema_marks.c */
int obs__marks_init(obs__schema_marks *marks, const json_t *value); /* 0: no memory */
void obs__marks_free(obs__schema_marks *marks);
void obs__marks_set(obs__schema_marks *marks, size_t index); /* marks may be NULL */
int obs__marks_has(const obs__schema_marks *marks, size_t index);
void obs__marks_merge(obs__schema_marks *to, const obs__schema_marks *from);

#endif
