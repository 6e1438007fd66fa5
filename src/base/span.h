/* W3C Trace Context, level 1: who called whom, across processes and languages. */
#ifndef OBS_BASE_SPAN_H
#define OBS_BASE_SPAN_H

#include <stdint.h>

/* A traceparent with its NUL: `00-<32 digits>-<16 digits>-<2 digits>`. */
#define OBS__TRACEPARENT_SIZE 56

typedef struct obs__trace {
    char trace_id[33];
    char span_id[17];
    uint8_t flags; /* 1: sampled; others are not handed on */
} obs__trace;

/* 1 when the text is a valid traceparent. Later versions are read as far as version 00 goes, as the standard says. */
int obs__trace_parse(obs__trace *out, const char *text);
void obs__trace_format(char out[OBS__TRACEPARENT_SIZE], const obs__trace *trace);
/* A new span below `parent`; below none (NULL, or one that is not valid) a new trace. parent_id receives the span id of the
 * parent, or "". Never fails. */
void obs__trace_begin(char out[OBS__TRACEPARENT_SIZE], char parent_id[17], const char *parent);
/* 64 bits that differ from all others, for ids; not for secrets. Never 0. */
uint64_t obs__unique(void);

#endif
