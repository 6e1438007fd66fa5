/* obsctl graph: what a picture is, before it is drawn as SVG (by gnuplot) or in the terminal. */
#ifndef OBSCTL_GRAPH_H
#define OBSCTL_GRAPH_H

#include "obsctl/ctl.h"

#define GRAPH_PANELS 16
#define GRAPH_SERIES 32
#define GRAPH_TICKS 16
#define GRAPH_LINES 64
#define GRAPH_NAME 128
#define GRAPH_KEPT 65536 /* points of a series that are in memory */

typedef struct graph_point {
    double x, y;
} graph_point;

/* How points of a series are left out when they are too many: one for each place on the picture, or the highest and the lowest
 * of each column, which keeps every peak. */
typedef enum graph_thinning { GRAPH_BY_COLUMN, GRAPH_BY_PLACE } graph_thinning;

typedef struct graph_series {
    char name[GRAPH_NAME];
    graph_point *points;
    size_t count;
    unsigned long long total; /* how many came */
} graph_series;

typedef struct graph_tick {
    double at;
    char label[32];
} graph_tick;

typedef struct graph_axis {
    char label[GRAPH_NAME];
    double least, most; /* the range; least > most before it is known */
    int reversed;
    int is_time;   /* seconds since 1970 */
    int is_hidden; /* no ticks: what they say stands in the grid */
    graph_tick ticks[GRAPH_TICKS];
    int tick_count;
} graph_axis;

/* A line of the grid of a sky. */
typedef struct graph_line {
    graph_point *points;
    size_t count;
    char label[32]; /* or "" */
    graph_point label_at;
} graph_line;

typedef struct graph_panel {
    char title[GRAPH_NAME];
    graph_axis x, y;
    graph_series series[GRAPH_SERIES];
    int series_count;
    graph_line lines[GRAPH_LINES];
    int line_count;
    int joined;         /* points are joined by lines */
    double join_within; /* but not those that are farther apart; 0: all */
    int bars;           /* from zero up */
    int square;         /* a unit is as long on both axes */
    graph_thinning thinning;
} graph_panel;

typedef struct graph {
    char title[2 * GRAPH_NAME];
    char note[512]; /* what people must know: what was left out, and what thinned */
    graph_panel *panels[GRAPH_PANELS];
    int panel_count;
    unsigned long long left_out; /* entries without the values */
    int kind;                    /* of x, by the first entry: as graph_number() has it */
    int width, height;
} graph;

/* graph_model.c */
graph *graph_new(void);
void graph_free(graph *graph);
graph_panel *graph_add_panel(graph *graph, const char *title); /* NULL: no memory, or too many */
/* The series of that name, which is made if it is not there; the last one takes what is too much. NULL: no memory. */
graph_series *graph_find_series(graph_panel *panel, const char *name);
int graph_add(const graph_panel *panel, graph_series *series, double x, double y, int columns);
void graph_finish(graph *graph, int columns); /* thins, ranges, ticks, the note */
void graph_thin(const graph_panel *panel, graph_series *series, int columns);
void graph_copy_text(char *out, size_t size, const char *text); /* cut between characters */
int graph_is_joined(const graph_panel *panel, graph_point from, graph_point to);
double graph_share(const graph_axis *axis, double value); /* 0 at the left or below, 1 at the right or above */

/* graph_ticks.c */
void graph_set_ticks(graph_axis *axis, int most);
void graph_format_time(char *out, size_t size, double seconds, double step);

/* graph_data.c: fills a picture from rows of the catalog or the ingestion log. */
obs_status graph_light_curve(ctl *ctl, graph *graph, const char *query);
obs_status graph_series_of(ctl *ctl, graph *graph, const char *query);
obs_status graph_sky(ctl *ctl, graph *graph, const char *query);
obs_status graph_ingest(ctl *ctl, graph *graph);
/* A value of an entry: 0 when there is none, 1 for a number, 2 for a time, in seconds since 1970. */
int graph_number(const json_t *entry, const char *name, double *out);

/* What --json prints. `entry` is what it comes from, or NULL. */
void graph_print_point(const json_t *entry, const char *series, int is_time, double x, double y);

/* graph_sky.c: from positions in degrees to the plane, in place. */
void graph_project(graph *graph, graph_panel *panel, const double centre[2], double radius);
int graph_parse_cone(const char *text, double out[3]); /* degrees as in --cone; 0: not understood */

/* graph_seismogram.c */
obs_status graph_seismogram(ctl *ctl, graph *graph, const char *key);

/* graph_lineage.c: draws by itself. */
obs_status graph_lineage(ctl *ctl, const char *key, int svg);

/* graph_svg.c */
obs_status graph_write_svg(ctl *ctl, const graph *graph, const ctl_target *target);
void graph_xml_text(FILE *out, const char *text);
/* graph_gnuplot.c: runs gnuplot on a script. *out is freed with free(). */
obs_status graph_run_gnuplot(ctl *ctl, const char *script, size_t size, char **out, size_t *out_size);

/* graph_text.c */
void graph_write_text(const ctl *ctl, const graph *graph, FILE *out);
int graph_is_unicode(void);

#endif
