/* A seismogram: the samples of a miniSEED object, a panel for each channel. The object is read piece by piece. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "obsctl/graph.h"
#include "obsctl/graph_mseed.h"

#define WINDOW ((size_t)1 << 23) /* twice the largest record */

struct source {
    ctl *ctl;
    graph *graph;
    obs_reader *reader;
    unsigned char *bytes;
    double *samples;
    size_t begin, end; /* of what is in memory and not done */
    unsigned long long place, total;
    unsigned long long records, drawn, refused, doubtful, channels_left_out;
    char first[160]; /* of the refused: where it begins, and why */
    char wrong[96];  /* why it ended before the end of the object */
};

/* More bytes behind those that are there; less than asked for only at the end. */
static obs_status fill(struct source *source, size_t wanted)
{
    obs_status status = OBS_OK;
    memmove(source->bytes, source->bytes + source->begin, source->end - source->begin);
    source->end -= source->begin;
    source->begin = 0;
    while (status == OBS_OK && source->end < wanted && source->end < WINDOW) {
        size_t got = 0;
        status = obs_reader_read(&got, source->reader, source->bytes + source->end, WINDOW - source->end, &source->ctl->error);
        source->end += got;
        if (!got)
            break;
    }
    return status == OBS_OK ? ctl_check_cancel(source->ctl) : status;
}

static graph_panel *find_panel(struct source *source, const mseed_record *record)
{
    const char *channel = record->channel;
    graph *graph = source->graph;
    for (int i = 0; i < graph->panel_count; i++)
        if (strcmp(graph->panels[i]->title, channel) == 0)
            return graph->panels[i];
    graph_panel *panel = graph_add_panel(graph, channel);
    if (!panel)
        return NULL;
    panel->joined = 1;
    panel->x.is_time = 1;
    panel->join_within = 1.5 / record->rate; /* what is farther apart is a gap */
    graph_copy_text(panel->y.label, sizeof panel->y.label, mseed_is_integer(record) ? "counts" : "amplitude");
    return panel;
}

static obs_status add_samples(struct source *source, const mseed_record *record)
{
    graph_panel *panel = NULL;
    graph_series *series = NULL;
    if (!source->ctl->json) {
        panel = find_panel(source, record);
        if (!panel && source->graph->panel_count < GRAPH_PANELS)
            return ctl_fail_memory(source->ctl);
        source->channels_left_out += !panel;
        series = panel ? graph_find_series(panel, "") : NULL;
        if (panel && !series)
            return ctl_fail_memory(source->ctl);
    }
    for (uint32_t i = 0; i < record->samples; i++) {
        double time = record->start + i / record->rate;
        if (source->ctl->json && isfinite(source->samples[i]))
            graph_print_point(NULL, record->channel, 1, time, source->samples[i]);
        else if (series)
            graph_add(panel, series, time, source->samples[i], source->graph->width);
    }
    source->drawn += record->samples > 0;
    return OBS_OK;
}

/* A record whose samples cannot be believed is left out whole, and said. */
static obs_status take_samples(struct source *source, mseed_record *record, const unsigned char *at)
{
    int has_samples = record->samples && record->rate != 0 && record->encoding != MSEED_TEXT; /* others are logs */
    source->records++;
    if (has_samples && !mseed_read_samples(source->samples, MSEED_MOST_SAMPLES, record, at)) {
        if (!source->refused++)
            snprintf(source->first, sizeof source->first, "at byte %llu: %s", source->place, record->wrong);
        return OBS_OK;
    }
    source->doubtful += has_samples && record->doubtful;
    return has_samples ? add_samples(source, record) : OBS_OK;
}

static void end_early(struct source *source, const mseed_record *record, mseed_found found)
{
    unsigned long long left = source->total - source->place;
    if (found == MSEED_MORE)
        snprintf(source->wrong, sizeof source->wrong, "a record of %zu bytes is cut off after %llu", record->size, left);
    else
        snprintf(source->wrong, sizeof source->wrong, "%s", record->wrong);
}

/* One record, or what else stands there. *more is 0 at the end, and before what is no record. */
static obs_status take_record(struct source *source, int *more)
{
    mseed_record record;
    obs_status status = source->end - source->begin < WINDOW / 2 ? fill(source, WINDOW / 2) : OBS_OK;
    size_t left = source->end - source->begin;
    const unsigned char *at = source->bytes + source->begin;
    *more = 0;
    if (status != OBS_OK || !left)
        return status;
    mseed_found found = mseed_read_record(&record, at, left);
    *more = found == MSEED_RECORD || found == MSEED_OTHER;
    if (!*more)
        end_early(source, &record, found);
    if (found == MSEED_RECORD)
        status = take_samples(source, &record, at);
    size_t size = record.size < left ? record.size : left;
    source->begin += *more ? size : 0;
    source->place += *more ? size : 0;
    return status;
}

static void add_note(struct source *source, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_note(struct source *source, const char *format, ...)
{
    char *note = source->graph->note;
    size_t used = strlen(note), size = sizeof source->graph->note;
    va_list values;
    if (used)
        used += (size_t)snprintf(note + used, size - used, "; ");
    va_start(values, format);
    if (used < size)
        vsnprintf(note + used, size - used, format, values);
    va_end(values);
}

static void add_notes(struct source *source)
{
    if (source->refused)
        add_note(source, "%llu record%s left out, the first %s", source->refused, source->refused == 1 ? " is" : "s are",
                 source->first);
    if (source->doubtful)
        add_note(source, "the last sample of %llu record%s is not the one that the record names", source->doubtful,
                 source->doubtful == 1 ? "" : "s");
    if (source->channels_left_out)
        add_note(source, "there are more than %d channels: the others are left out", GRAPH_PANELS);
    if (source->wrong[0])
        add_note(source, "what follows byte %llu of %llu is left out: %s", source->place, source->total, source->wrong);
}

static obs_status read_all(struct source *source, const char *key)
{
    int more = 1;
    ctl_progress progress;
    obs_status status = OBS_OK;
    ctl_progress_begin(&progress, source->ctl, key, source->total);
    while (status == OBS_OK && more) {
        status = take_record(source, &more);
        ctl_progress_set(&progress, source->place);
    }
    ctl_progress_end(&progress);
    add_notes(source);
    if (status == OBS_OK && !source->records)
        return ctl_fail(source->ctl, OBS_INVALID_ARGUMENT, "'%s' is not miniSEED, at byte %llu: %s", key, source->place,
                        source->wrong[0] ? source->wrong : "there is nothing");
    if (status == OBS_OK && !source->drawn && !source->refused)
        return ctl_fail(source->ctl, OBS_NOT_FOUND, "nothing to draw: '%s' has no samples", key);
    if (status == OBS_OK && !source->drawn)
        return ctl_fail(source->ctl, OBS_INVALID_ARGUMENT, "nothing to draw of '%s': %s", key, source->graph->note);
    if (status == OBS_OK && source->ctl->json && source->graph->note[0]) /* there is no picture that could say it */
        return ctl_fail(source->ctl, OBS_INVALID_ARGUMENT, "'%s' is not as it should be: %s", key, source->graph->note);
    return status;
}

/* A single channel stands in the title of the picture. */
static void name_channel(const ctl *ctl, graph *graph)
{
    size_t used = strlen(graph->title);
    if (graph->panel_count != 1 || ctl_get(ctl, "title"))
        return;
    snprintf(graph->title + used, sizeof graph->title - used, ", %s", graph->panels[0]->title);
    graph->panels[0]->title[0] = '\0';
}

obs_status graph_seismogram(ctl *ctl, graph *graph, const char *key)
{
    struct source source = {.ctl = ctl, .graph = graph};
    source.bytes = malloc(WINDOW);
    source.samples = malloc(MSEED_MOST_SAMPLES * sizeof *source.samples);
    obs_status status = source.bytes && source.samples ? OBS_OK : ctl_fail_memory(ctl);
    if (status == OBS_OK)
        status = obs_reader_open(&source.reader, obs_client_store(ctl->client), key, OBS_TEXT, &ctl->call, &ctl->error);
    if (status == OBS_OK) {
        source.total = obs_reader_stat(source.reader)->size;
        status = read_all(&source, key);
        name_channel(ctl, graph);
    }
    obs_reader_free(source.reader);
    free(source.bytes);
    free(source.samples);
    return status;
}
