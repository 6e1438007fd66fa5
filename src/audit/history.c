#include "audit/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/note.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#define SECOND_NS INT64_C(1000000000)
#define HOUR_NS (3600 * SECOND_NS)
#define DAY_NS (24 * HOUR_NS)
#define MARK "thinned "
#define MARK_SIZE 19        /* with its number and newline */
#define GROWTH (256 * 1024) /* about two hours */

/* ---- Lines. ---- */

/* The time comes last: a line without it was torn. */
void obs__history_add(obs__builder *out, obs__view checkpoint, int64_t time_ns)
{
    char time[OBS__TIME_SIZE];
    size_t size = obs__base64_size(checkpoint.size);
    char *room = obs__builder_room(out, size);
    if (room) {
        obs__base64_encode(room, checkpoint.data, checkpoint.size);
        out->size += size;
    }
    obs__time_format(time, time_ns);
    obs__add_char(out, ' ');
    obs__add_text(out, time);
    obs__add_char(out, '\n');
}

static int64_t time_of(const char *text, size_t size)
{
    char time[OBS__TIME_SIZE] = "";
    int64_t ns = 0;
    if (size < sizeof time)
        memcpy(time, text, size);
    return obs__time_parse(&ns, time) ? ns : 0;
}

int obs__history_read(obs__view *out, int64_t *time_ns, char *room, obs__view line)
{
    const char *blank = line.size ? memchr(line.data, ' ', line.size) : NULL;
    *time_ns = 0;
    if (!blank || line.data[line.size - 1] != 'Z')
        return 0;
    size_t text = (size_t)(blank - line.data);
    *time_ns = time_of(blank + 1, line.size - text - 1);
    out->data = room;
    return obs__base64_decode(room, &out->size, line.data, text) && out->size > 0;
}

/* ---- Thinning. ---- */

int obs__history_is_long(uint64_t size, obs__view beginning)
{
    uint64_t thinned = 0;
    if (obs__starts_with(beginning, obs__view_of(MARK, OBS_TEXT)))
        for (size_t i = sizeof MARK - 1; i < beginning.size && beginning.data[i] >= '0' && beginning.data[i] <= '9'; i++)
            thinned = 10 * thinned + (uint64_t)(beginning.data[i] - '0');
    return size > thinned && size - thinned > GROWTH;
}

struct line {
    obs__view text; /* with its newline */
    int64_t time;
    obs__checkpoint checkpoint;
    int is_checkpoint;
};

/* The next line that is not torn, off the beginning of the rest; 0 at the end. */
static int next_line(struct line *out, obs__view *rest, char *room)
{
    const char *end;
    while (rest->size && (end = memchr(rest->data, '\n', rest->size)) != NULL) {
        obs__view bytes;
        obs__note note;
        *out = (struct line){.text = {rest->data, (size_t)(end + 1 - rest->data)}};
        *rest = (obs__view){end + 1, rest->size - out->text.size};
        if (!obs__history_read(&bytes, &out->time, room, (obs__view){out->text.data, out->text.size - 1}))
            continue;
        out->is_checkpoint = out->time && obs__note_read(&note, bytes, NULL) == OBS_OK &&
                             obs__checkpoint_read(&out->checkpoint, note.text, NULL) == OBS_OK;
        return 1;
    }
    return 0;
}

/* Of so long a time one stays. Not even of the last hour more than one for each 10 seconds: a busy log makes more. */
static int64_t span_of(int64_t age)
{
    return age < HOUR_NS ? 10 * SECOND_NS : age < DAY_NS ? HOUR_NS : DAY_NS;
}

/* Whether the later line says all that the earlier one did: the log was seen to go on from each before the next was made. */
static int covers(const struct line *later, const struct line *line, int64_t now)
{
    int64_t span = span_of(now - line->time);
    if (!line->is_checkpoint || !later->is_checkpoint || span != span_of(now - later->time) ||
        line->time / span != later->time / span)
        return 0;
    return line->checkpoint.size < later->checkpoint.size || (line->checkpoint.size == later->checkpoint.size &&
                                                              obs__tree_equal(&line->checkpoint.root, &later->checkpoint.root));
}

static void add_line(obs__builder *out, const struct line *line)
{
    obs__add(out, line->text.data, line->text.size);
}

/* Fills in the number that room was left for. */
static void write_mark(obs__builder *out)
{
    char mark[MARK_SIZE + 1];
    snprintf(mark, sizeof mark, MARK "%010u\n", (unsigned)out->size);
    memcpy(out->data, mark, MARK_SIZE);
}

obs_status obs__history_thin(obs__builder *out, obs__view history, int64_t now_ns, obs_error *error)
{
    struct line line, later;
    char *room = obs__alloc(history.size + 1);
    if (!room)
        return obs__fail_memory(error);
    obs__add_text(out, MARK "0000000000\n");
    int has_line = next_line(&line, &history, room);
    while (has_line) {
        int has_later = next_line(&later, &history, room);
        if (!has_later || !covers(&later, &line, now_ns))
            add_line(out, &line);
        line = later;
        has_line = has_later;
    }
    obs__free(room);
    obs_status status = obs__builder_status(out, error);
    if (status == OBS_OK)
        write_mark(out);
    return status;
}
