/* A plot of points as SVG: a frame, round numbers along two sides, a small circle for each point. */
#include "plot.h"

#include <math.h>
#include <string.h>

#define WIDTH 720.0
#define HEIGHT 340.0
#define LEFT 56.0
#define RIGHT 12.0
#define TOP 30.0
#define BOTTOM 44.0
#define COLOURS 8

/* From numbers to places: `at` is that of `low`, `to` that of `high`. */
typedef struct scale {
    double low, high, at, to;
} scale;

static double place(const scale *self, double value)
{
    return self->at + (value - self->low) / (self->high - self->low) * (self->to - self->at);
}

/* 1, 2 or 5 times a power of ten: about six steps. */
static double step_of(const scale *self)
{
    double rough = (self->high - self->low) / 6;
    double power = pow(10, floor(log10(rough)));
    double times = rough / power;
    return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

static scale scale_of(const plot_point *points, size_t count, int is_y, int is_reversed)
{
    scale made = {INFINITY, -INFINITY, is_y ? HEIGHT - BOTTOM : LEFT, is_y ? TOP : WIDTH - RIGHT};
    for (size_t i = 0; i < count; i++) {
        double value = is_y ? points[i].y : points[i].x;
        made.low = fmin(made.low, value);
        made.high = fmax(made.high, value);
    }
    if (count == 0)
        made.low = made.high = 0;
    double margin = made.high > made.low ? (made.high - made.low) * 0.03 : 0.5;
    made.low -= margin;
    made.high += margin;
    if (is_reversed) {
        double at = made.at;
        made.at = made.to;
        made.to = at;
    }
    return made;
}

static void write_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else if ((unsigned char)*text >= ' ' && *text != 127)
            fputc(*text, out);
    }
}

static void write_axes(FILE *out, const scale *x, const scale *y, plot_axis across, plot_axis up)
{
    double step = step_of(x);
    for (double value = ceil(x->low / step) * step; value <= x->high; value += step)
        fprintf(out, "<path d=\"M%.1f %gV%g\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%.10g</text>",
                place(x, value), TOP, HEIGHT - BOTTOM, place(x, value), HEIGHT - BOTTOM + 14, round(value / step) * step + 0.0);
    step = step_of(y);
    for (double value = ceil(y->low / step) * step; value <= y->high; value += step)
        fprintf(out, "<path d=\"M%g %.1fH%g\" stroke=\"#ddd\"/><text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%.10g</text>",
                LEFT, place(y, value), WIDTH - RIGHT, LEFT - 4, place(y, value) + 3, round(value / step) * step + 0.0);
    fprintf(out, "<text x=\"%g\" y=\"%g\" text-anchor=\"middle\">", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12);
    write_text(out, across.name);
    fprintf(out, "</text><text transform=\"translate(12,%g) rotate(-90)\" text-anchor=\"middle\">",
            (TOP + HEIGHT - BOTTOM) / 2);
    write_text(out, up.name);
    fputs("</text>", out);
}

/* The bands in the order in which they come; those beyond the colours there are, and none, are grey. */
typedef struct legend {
    char bands[COLOURS + 1];
} legend;

static const char *colour_of(legend *self, char band)
{
    static const char *const colours[COLOURS] = {"#247", "#d52", "#385", "#a3a", "#b80", "#0aa", "#e7a", "#740"};
    size_t count = strlen(self->bands);
    const char *at = band ? strchr(self->bands, band) : NULL;
    if (!at && band && count < COLOURS) {
        at = &self->bands[count];
        self->bands[count] = band;
    }
    return at ? colours[at - self->bands] : "#777";
}

static void write_legend(FILE *out, legend *self)
{
    size_t count = strlen(self->bands);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "<text x=\"%g\" y=\"18\" fill=\"%s\" font-weight=\"bold\">%c</text>",
                WIDTH - RIGHT - 14 * (double)(count - i), colour_of(self, self->bands[i]), self->bands[i]);
}

void plot_write(FILE *out, const char *title, const plot_point *points, size_t count, plot_axis x, plot_axis y)
{
    legend bands = {""};
    scale across = scale_of(points, count, 0, x.is_reversed), up = scale_of(points, count, 1, y.is_reversed);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%g\" font-family=\"sans-serif\" "
            "font-size=\"10\"><rect width=\"%g\" height=\"%g\" fill=\"#fff\"/><text x=\"%g\" y=\"18\" font-size=\"12\">",
            WIDTH, HEIGHT, WIDTH, WIDTH, HEIGHT, LEFT);
    write_text(out, title);
    fputs("</text>", out);
    write_axes(out, &across, &up, x, y);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.8\" fill=\"%s\" fill-opacity=\"0.6\"/>",
                place(&across, points[i].x), place(&up, points[i].y), colour_of(&bands, points[i].band));
    write_legend(out, &bands);
    fprintf(out, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" fill=\"none\" stroke=\"#444\"/></svg>\n", LEFT, TOP,
            WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
}
