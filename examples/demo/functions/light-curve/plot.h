/* A plot of points as SVG. */
#ifndef DEMO_PLOT_H
#define DEMO_PLOT_H

#include <stddef.h>
#include <stdio.h>

typedef struct plot_point {
    double x, y;
    char band; /* points of one band have one colour; 0: none */
} plot_point;

typedef struct plot_axis {
    const char *name;
    int is_reversed; /* grows to the left, or downwards */
} plot_axis;

/* `title` may hold any bytes of UTF-8. */
void plot_write(FILE *out, const char *title, const plot_point *points, size_t count, plot_axis x, plot_axis y);

#endif
