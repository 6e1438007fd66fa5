/**
 * @file buffer.h
 * Bytes that the library hands out.
 *
 * @code
 * fwrite(obs_buffer_data(frame), 1, obs_buffer_size(frame), stdout);
 * obs_buffer_free(frame);
 * @endcode
 *
 * @defgroup buffer Buffers
 * @{
 */
#ifndef OBS_BUFFER_H
#define OBS_BUFFER_H

#include <obs/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes owned by whoever received them. Never changes; readable from every thread. */
typedef struct obs_buffer obs_buffer;

/**
 * The bytes. One NUL that is not counted follows them, so that text can be used as such.
 * @param buffer the buffer; NULL gives ""
 * @return never NULL; valid until obs_buffer_free()
 */
OBS_API const void *obs_buffer_data(const obs_buffer *buffer);

/**
 * How many bytes there are.
 * @param buffer the buffer; NULL has none
 * @return the size in bytes
 */
OBS_API size_t obs_buffer_size(const obs_buffer *buffer);

/**
 * Takes one more hold on the bytes; each hold is given back with obs_buffer_free().
 * @param buffer the buffer; NULL is accepted
 * @return the same buffer
 */
OBS_API obs_buffer *obs_buffer_retain(obs_buffer *buffer);

/**
 * Gives the bytes back.
 * @param buffer the buffer; NULL is accepted
 */
OBS_API void obs_buffer_free(obs_buffer *buffer);

/**
 * Rows of a result, one after the other, each one JSON object (RFC 8259, UTF-8, no newline inside).
 * The same text is what `obsctl --json` prints. For one thread at a time.
 */
typedef struct obs_rows obs_rows;

/**
 * Goes to the next row.
 * @param rows  the result
 * @param text  receives the row; valid until the next call for these rows
 * @param size  receives its size in bytes; may be NULL (the text ends with NUL)
 * @param error may be NULL
 * @return ::OBS_OK with *text set, or with *text NULL after the last row; else why reading failed
 */
OBS_API obs_status obs_rows_next(obs_rows *rows, const char **text, size_t *size, obs_error *error);

/**
 * Where to go on later: give it as `after` to the same question. Stable while rows are added.
 * @param rows the result
 * @return a text valid until obs_rows_free(); "" before the first row and when nothing follows
 */
OBS_API const char *obs_rows_position(const obs_rows *rows);

/**
 * Frees the rows.
 * @param rows the rows; NULL is accepted
 */
OBS_API void obs_rows_free(obs_rows *rows);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
