/* Text and bytes: views, one growing buffer with a mandatory limit, UTF-8, JSON text, escapes for the terminal. */
#ifndef OBS_BASE_TEXT_H
#define OBS_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <obs/buffer.h>
#include <obs/call.h>

/* A view on bytes of somebody else. */
typedef struct obs__view {
    const char *data;
    size_t size;
} obs__view;

/* A view on a text; size may be OBS_TEXT; NULL gives an empty view. */
obs__view obs__view_of(const char *data, size_t size);
int obs__view_equal(obs__view a, obs__view b);
int obs__view_is(obs__view view, const char *text);
int obs__starts_with(obs__view view, obs__view prefix);

/* A growing buffer. Failure (limit, memory) sticks: append freely, ask once at the end. */
typedef struct obs__builder {
    char *data; /* NUL-terminated once something was appended */
    size_t size;
    size_t capacity;
    size_t limit; /* never grows beyond */
    int failed;   /* 1: memory, 2: limit */
} obs__builder;

void obs__builder_init(obs__builder *builder, size_t limit);
void obs__builder_free(obs__builder *builder);
void obs__builder_clear(obs__builder *builder); /* keeps the memory */
/* Makes room for `more` bytes and returns where they go (size is not changed), or NULL. */
char *obs__builder_room(obs__builder *builder, size_t more);
void obs__add(obs__builder *builder, const void *data, size_t size);
void obs__add_text(obs__builder *builder, const char *text);
void obs__add_char(obs__builder *builder, char c);
void obs__add_format(obs__builder *builder, const char *format, ...) __attribute__((format(printf, 2, 3)));
void obs__add_integer(obs__builder *builder, int64_t number);
/* A JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void obs__add_json(obs__builder *builder, const char *data, size_t size);
/* `"name":"value",` with NULL as null; obs__add_json_end() turns the last comma into `}`. */
void obs__add_json_member(obs__builder *builder, const char *name, const char *value);
void obs__add_json_integer(obs__builder *builder, const char *name, int64_t value);
void obs__add_json_raw(obs__builder *builder, const char *name, const char *json, size_t size);
void obs__add_json_end(obs__builder *builder);
/* OBS_OK, or why appending failed. */
obs_status obs__builder_status(const obs__builder *builder, obs_error *error);
/* Hands the bytes over as an obs_buffer; the builder is empty then. */
obs_status obs__builder_finish(obs_buffer **out, obs__builder *builder, obs_error *error);

/* How many bytes from the start are printable ASCII that JSON does not escape: a fast way past ordinary text. */
size_t obs__plain_size(const char *data, size_t size);
/* Whether bytes are valid UTF-8 (no surrogates, no overlong forms). */
int obs__utf8_valid(const char *data, size_t size);
/* Decodes one character; returns its length in bytes, 0 when invalid. */
size_t obs__utf8_decode(uint32_t *out, const char *data, size_t size);
/* Writes one character; returns its length in bytes (1 to 4). */
size_t obs__utf8_encode(char out[4], uint32_t character);

/* Text that is safe on a terminal and in a log: control, bidi and invalid characters become \xNN or \u{…}. Always ends with
 * NUL. */
void obs__escape_display(char *out, size_t capacity, const char *data, size_t size);

/* Lower-case hexadecimal; out holds 2 * size + 1 bytes. */
void obs__hex(char *out, const void *data, size_t size);
/* The reverse; 1 when all 2 * size digits were right. */
int obs__unhex(void *out, size_t size, const char *text);

#endif
