/* FITS: the headers of all parts (HDUs) that lie in the bytes at hand. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "sky/header.h"

#define BLOCK_SIZE 2880
#define MOST_PARTS 64

/* What is taken from the first part that has it. */
static const struct text {
    const char *name;
    const char *keywords[4];
} texts[] = {
    {"object", {"OBJECT", "TARGNAME", "OBJNAME"}},
    {"filter", {"FILTER", "FILTER1", "FILTNAM1", "FILTERS"}},
    {"instrument", {"INSTRUME"}},
    {"telescope", {"TELESCOP"}},
    {"observer", {"OBSERVER"}},
    {"image_type", {"IMAGETYP", "OBSTYPE"}},
};
static const struct number {
    const char *name;
    const char *keywords[5];
} numbers[] = {
    {"exposure", {"EXPTIME", "EXPOSURE", "TEXPTIME", "ITIME"}},
    {"airmass", {"AIRMASS"}},
};
enum { TEXTS = sizeof texts / sizeof *texts, NUMBERS = sizeof numbers / sizeof *numbers };

typedef struct found {
    int texts[TEXTS];
    int numbers[NUMBERS];
    int times;
    int place;
    int axes;
    int parts;
} found;

int obs__is_fits(obs__view head)
{
    static const char first[] = "SIMPLE  =";
    return head.size >= BLOCK_SIZE && memcmp(head.data, first, strlen(first)) == 0;
}

static int is_quoted(obs__view value)
{
    return value.size > 1 && *value.data == '\'';
}

/* `'O''Neill  '` as `O'Neill` */
static obs__view unquote(char room[OBS__CARD_SIZE], obs__view value)
{
    size_t size = 0;
    for (size_t i = 1; i < value.size; i++) {
        if (value.data[i] == '\'' && (i + 1 == value.size || value.data[++i] != '\''))
            break;
        room[size++] = value.data[i];
    }
    return obs__sky_trim((obs__view){room, size});
}

int obs__header_text(obs__view *out, char room[OBS__CARD_SIZE], const obs__header *header, const char *keyword)
{
    char value[FLEN_VALUE] = "", comment[FLEN_COMMENT];
    int status = 0;
    if (header->cfitsio->get_key(header->file, keyword, value, comment, &status) || !*value)
        return 0;
    obs__view all = obs__view_of(value, strnlen(value, sizeof value - 1));
    if (is_quoted(all))
        *out = unquote(room, all);
    else {
        memcpy(room, all.data, all.size);
        *out = obs__sky_trim((obs__view){room, all.size});
    }
    return out->size != 0;
}

/* As FITS writes numbers: `+1.5D3`, `-.01` and `100.` are some, too. */
static int read_number(double *out, obs__view text)
{
    char plain[OBS__CARD_SIZE + 1];
    size_t size = 0, at = text.size && (*text.data == '+' || *text.data == '-');
    if (at && *text.data == '-')
        plain[size++] = '-';
    if (at < text.size && text.data[at] == '.')
        plain[size++] = '0';
    for (; at < text.size && size < sizeof plain; at++)
        plain[size++] = text.data[at] == 'D' || text.data[at] == 'd' ? 'E' : text.data[at];
    size -= size && plain[size - 1] == '.';
    return obs__number_read(out, (obs__view){plain, size}, NULL);
}

int obs__header_number(double *out, const obs__header *header, const char *keyword)
{
    char room[OBS__CARD_SIZE];
    obs__view text;
    return obs__header_text(&text, room, header, keyword) && read_number(out, text);
}

int obs__header_first_number(double *out, const obs__header *header, const char *const *keywords)
{
    for (; *keywords; keywords++)
        if (obs__header_number(out, header, *keywords))
            return 1;
    return 0;
}

static void take_texts(obs__builder *out, found *found, const obs__header *header)
{
    char room[OBS__CARD_SIZE];
    obs__view text;
    for (size_t i = 0; i < TEXTS; i++)
        for (size_t k = 0; k < 4 && texts[i].keywords[k] && !found->texts[i]; k++)
            if (obs__header_text(&text, room, header, texts[i].keywords[k])) {
                obs__sky_text(out, texts[i].name, text);
                found->texts[i] = 1;
            }
}

static void take_numbers(obs__builder *out, found *found, const obs__header *header)
{
    double number;
    for (size_t i = 0; i < NUMBERS; i++)
        if (!found->numbers[i] && obs__header_first_number(&number, header, numbers[i].keywords)) {
            obs__sky_number(out, numbers[i].name, number, 6);
            found->numbers[i] = 1;
        }
}

/* The size of the first picture. One that is compressed has its own beside that of the table which holds it. */
static void take_axes(obs__builder *out, found *found, const obs__header *header, int type)
{
    static const char *const plain[] = {"NAXIS", "NAXIS1", "NAXIS2", "BITPIX"};
    static const char *const packed[] = {"ZNAXIS", "ZNAXIS1", "ZNAXIS2", "ZBITPIX"};
    static const char *const names[] = {"naxis", "naxis1", "naxis2", "bitpix"};
    double axes = 0, number;
    const char *const *keywords = obs__header_number(&axes, header, packed[0]) ? packed : plain;
    if (found->axes || (keywords == plain && (type != IMAGE_HDU || !obs__header_number(&axes, header, plain[0]))) || axes < 1 ||
        !obs__header_number(&number, header, keywords[1]) || number < 1)
        return;
    found->axes = 1;
    for (size_t i = 0; i < 4; i++)
        if (obs__header_number(&number, header, keywords[i]))
            obs__sky_number(out, names[i], number, 0);
}

static void take_part(obs__builder *out, found *found, const obs__header *header, int type)
{
    int64_t start, end;
    double ra, dec;
    take_texts(out, found, header);
    take_numbers(out, found, header);
    take_axes(out, found, header, type);
    if (!found->times && obs__header_times(&start, &end, header)) {
        obs__sky_times(out, start, end);
        found->times = 1;
    }
    if (!found->place && obs__header_place(&ra, &dec, header)) {
        obs__sky_place(out, ra, dec);
        found->place = 1;
    }
    found->parts++;
}

/* With cfitsio's lock. Its name for the bytes is a constant: nothing in it is a file, an address or a filter. */
static int read_parts(obs__builder *out, found *found, const obs__cfitsio *cfitsio, obs__view head)
{
    void *bytes = (void *)(uintptr_t)head.data; /* opened for reading: never written to */
    size_t size = head.size;
    obs__header header = {.cfitsio = cfitsio};
    int status = 0, closed = 0, type = IMAGE_HDU;
    cfitsio->mark_messages();
    cfitsio->open_memory(&header.file, "observation", READONLY, &bytes, &size, 0, NULL, &status);
    if (!status) {
        for (int part = 1; part <= MOST_PARTS; part++) {
            int moved = 0;
            if (part > 1 && cfitsio->move_to(header.file, part, &type, &moved))
                break;
            take_part(out, found, &header, type);
        }
        cfitsio->close(header.file, &closed);
    }
    cfitsio->clear_messages();
    return status;
}

void obs__sky_fits(obs__builder *out, const obs__arrival *arrival)
{
    const obs__cfitsio *cfitsio;
    found found = {0};
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs__cfitsio_begin(&cfitsio, &error) != OBS_OK) {
        obs__sky_why_not(out, "%s", error.message);
        return;
    }
    int status = read_parts(out, &found, cfitsio, arrival->head);
    obs__cfitsio_end();
    if (status == MEMORY_ALLOCATION)
        out->failed = 1; /* what the file says is not known then */
    else if (status)
        obs__sky_why_not(out, "the primary header cannot be read (cfitsio status %d)", status);
    else if (arrival->head.size == arrival->size)
        obs__sky_integer(out, "hdus", found.parts);
}
