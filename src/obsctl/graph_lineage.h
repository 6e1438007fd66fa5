/* A lineage in memory: entries, and what was made from what. */
#ifndef OBSCTL_GRAPH_LINEAGE_H
#define OBSCTL_GRAPH_LINEAGE_H

#include "obsctl/graph.h"

#define LINEAGE_NODES 300 /* in each direction: more is no picture */
#define LINEAGE_ARROWS 2000

typedef struct lineage_node {
    json_t *row;
    const char *key;
    int depth;  /* from the entry: negative for what it was made from */
    int column; /* of the picture, from the left: what was used stands before what was made from it */
    int line;
    int most; /* the last column that it may stand in */
    int printed;
} lineage_node;

typedef struct lineage_arrow {
    size_t source, made;
    int has_changed; /* the source is another one now than was used */
} lineage_arrow;

typedef struct lineage {
    ctl *ctl;
    lineage_node *nodes; /* the entry is the first */
    size_t count;
    lineage_arrow *arrows;
    size_t arrow_count;
    size_t arrows_left_out;
    json_t *places; /* index by key */
    int more;       /* there are more entries than are shown */
    int columns, lines;
} lineage;

/* What stands below a key: its media type, or what it is. */
const char *lineage_kind_of(const lineage_node *node);
/* How many there are, and what was left out. */
void lineage_write_note(const lineage *lineage, FILE *out);

/* graph_lineage_svg.c */
void lineage_write_svg(const lineage *lineage, FILE *out);

#endif
