/* Two text formats of the Minor Planet Center as records. */
#ifndef DEMO_MPC_H
#define DEMO_MPC_H

#include <stddef.h>

/*
 * Each turns one line into a record, as JSON in `out`. Returns NULL, or why the line is none: a constant text.
 * obs80_to_json: mpc.obs80, "Format for Optical Astrometric Observations". mpcorb_to_json: mpc.orbit, "Export Format for
 * Minor-Planet Orbits".
 */
const char *obs80_to_json(char *out, size_t capacity, const char *line, size_t size);
const char *mpcorb_to_json(char *out, size_t capacity, const char *line, size_t size);

/* Columns as the formats count them, from 1, without blanks at the ends; `out` holds last - first + 2 bytes. */
void mpc_columns(char *out, const char *line, int first, int last);
/* 1 when all of the text is a number. */
int mpc_number(const char *text, double *out);
/* 1 when nothing in the line would have to be escaped in JSON. */
int mpc_is_plain(const char *line, size_t size);

#endif
