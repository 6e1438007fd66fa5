/* graph */
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "obsctl/graph.h"

#define LEAST_SIZE 200
#define MOST_SIZE 10000

static const char *const kinds[] = {"light-curve", "sky", "series", "seismogram", "lineage", "ingest"};
enum { LIGHT_CURVE, SKY, SERIES, SEISMOGRAM, LINEAGE, INGEST, KINDS };

static obs_status find_kind(ctl *ctl, int *out)
{
    for (*out = 0; *out < KINDS; ++*out)
        if (strcmp(ctl->arguments[0], kinds[*out]) == 0)
            break;
    if (*out == KINDS)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT,
                        "no picture is called '%s': light-curve, sky, series, seismogram, lineage and ingest are known",
                        ctl->arguments[0]);
    if ((*out == SEISMOGRAM || *out == LINEAGE) && ctl->argument_count != 2)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "name one object: obsctl graph %s KEY", kinds[*out]);
    if (*out == INGEST && ctl->argument_count != 1)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "the ingestion log is drawn whole: obsctl graph ingest");
    return OBS_OK;
}

/* SVG by --format, or because there is a file to write. */
static obs_status find_format(ctl *ctl, int *svg)
{
    const char *format = ctl_get(ctl, "format"), *output = ctl_get(ctl, "output");
    *svg = format ? strcmp(format, "svg") == 0 : output != NULL;
    if (format && !*svg && strcmp(format, "text") != 0)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "no format is called '%s': svg and text are known", format);
    if (ctl->json && (format || output))
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "--json prints the points and draws nothing: leave out -o and --format");
    return OBS_OK;
}

static obs_status find_size(ctl *ctl, graph *graph, int svg)
{
    long long width = svg ? 800 : ctl_width(stdout), height = svg ? 500 : 20;
    obs_status status = ctl_number(ctl, "width", svg ? LEAST_SIZE : 30, svg ? MOST_SIZE : 1000, &width);
    if (status == OBS_OK)
        status = ctl_number(ctl, "height", svg ? LEAST_SIZE : 5, svg ? MOST_SIZE : 1000, &height);
    graph->width = (int)(width < 30 ? 30 : width > 1000 && !svg ? 1000 : width);
    graph->height = (int)height;
    return status;
}

/* The conditions of a query, and what stands over the picture. */
static char *join_arguments(const ctl *ctl)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (int i = 1; out && i < ctl->argument_count; i++)
        fprintf(out, "%s%s", i > 1 ? " " : "", ctl->arguments[i]);
    if (out)
        ctl_add_conditions(ctl, out);
    if (out && fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}

static void set_title(const ctl *ctl, graph *graph, int kind, const char *query)
{
    static const char *const titles[] = {"Light curve", "Sky", "Series", "Seismogram", "Lineage", "Ingestion"};
    const char *title = ctl_get(ctl, "title");
    char made[sizeof graph->title];
    snprintf(made, sizeof made, "%s%s%.*s", titles[kind], *query ? ": " : "", GRAPH_NAME, query);
    graph_copy_text(graph->title, sizeof graph->title, title ? title : made);
}

static obs_status fill(ctl *ctl, graph *graph, int kind, const char *query)
{
    switch (kind) {
    case LIGHT_CURVE:
        return graph_light_curve(ctl, graph, query);
    case SKY:
        return graph_sky(ctl, graph, query);
    case SERIES:
        return graph_series_of(ctl, graph, query);
    case SEISMOGRAM:
        return graph_seismogram(ctl, graph, ctl->arguments[1]);
    default:
        return graph_ingest(ctl, graph);
    }
}

static obs_status write_text(ctl *ctl, const graph *graph, const ctl_target *target)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out)
        graph_write_text(ctl, graph, out);
    obs_status status = out && fclose(out) == 0 ? ctl_target_write(ctl, target, text, size) : ctl_fail_memory(ctl);
    free(text);
    return status;
}

static obs_status draw(ctl *ctl, graph *graph, int svg)
{
    ctl_target target;
    if (graph->panel_count > 1 && !ctl_get(ctl, "height"))
        graph->height = graph->panel_count * (svg ? 150 : 8) + (svg ? 135 : 0);
    graph_finish(graph, svg ? graph->width : 2 * graph->width);
    obs_status status = ctl_target_open(ctl, &target, ctl_get(ctl, "output"));
    if (status == OBS_OK)
        status = (svg ? graph_write_svg : write_text)(ctl, graph, &target);
    return ctl_target_close(ctl, &target, status);
}

obs_status ctl_run_graph(ctl *ctl)
{
    int kind = 0, svg = 0;
    char *query = NULL;
    graph *graph = graph_new();
    setlocale(LC_CTYPE, ""); /* only to know whether the terminal shows Unicode */
    obs_status status = graph ? find_kind(ctl, &kind) : ctl_fail_memory(ctl);
    if (status == OBS_OK)
        status = find_format(ctl, &svg);
    if (status == OBS_OK)
        status = find_size(ctl, graph, svg);
    if (status == OBS_OK && !(query = join_arguments(ctl)))
        status = ctl_fail_memory(ctl);
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK && kind == LINEAGE)
        status = graph_lineage(ctl, ctl->arguments[1], svg);
    else if (status == OBS_OK) {
        set_title(ctl, graph, kind, query);
        status = fill(ctl, graph, kind, query);
        if (status == OBS_OK && !ctl->json)
            status = draw(ctl, graph, svg);
    }
    free(query);
    graph_free(graph);
    return status;
}

int graph_is_unicode(void)
{
    const char *term = getenv("TERM");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && !(term && strcmp(term, "dumb") == 0);
}
