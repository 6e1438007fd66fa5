/*
 * A function: of each file of observations it makes the light curve of its object, as numbers and as a picture, and a picture
 * of where the object stood.
 *
 * It reads the file rather than the records that the loader made of it: the product then has one input, in one version, and
 * comes out the same when it is made again.
 */
#include <obs/obs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "curve.h"
#include "plot.h"

#define RAW "raw/obs80/"
#define PRODUCTS "products/light-curve/"
#define LIGHT "light-curve"
#define SKY "sky"

static obs_status failed(obs_error *error, obs_status status, const char *what)
{
    snprintf(error->message, sizeof error->message, "%s", what);
    return error->status = status;
}

/* Magnitude by time, or declination by right ascension. Returns how many there are. */
static size_t points_of(plot_point *out, const json_t *observations, int is_light)
{
    size_t i, count = 0;
    json_t *one;
    json_array_foreach(observations, i, one)
    {
        const char *band = json_string_value(json_object_get(one, "band"));
        const json_t *mag = json_object_get(one, "mag");
        char colour = band ? *band : 0;
        if (is_light && mag)
            out[count++] =
                (plot_point){curve_year(json_string_value(json_object_get(one, "date"))), json_number_value(mag), colour};
        else if (!is_light)
            out[count++] =
                (plot_point){json_number_value(json_object_get(one, "ra")), json_number_value(json_object_get(one, "dec")), 0};
    }
    return count;
}

/* Writes a picture to a file of the call's folder. */
static obs_status draw(const char *path, const json_t *curve, const char *name, int is_light, obs_error *error)
{
    const json_t *observations = json_object_get(curve, "observations");
    const char *object = json_string_value(json_object_get(curve, "object"));
    char title[600];
    plot_point *points = calloc(json_array_size(observations) + 1, sizeof *points);
    FILE *out = points ? fopen(path, "we") : NULL;
    if (!out) {
        free(points);
        return failed(error, OBS_UNAVAILABLE, "the picture cannot be written to the folder of the call");
    }
    size_t count = points_of(points, observations, is_light);
    snprintf(title, sizeof title, "%s: %zu %s", object ? object : name, count, is_light ? "magnitudes" : "positions");
    if (is_light)
        plot_write(out, title, points, count, (plot_axis){"year", 0}, (plot_axis){"magnitude", 1});
    else
        plot_write(out, title, points, count, (plot_axis){"right ascension, degrees", 1},
                   (plot_axis){"declination, degrees", 0});
    free(points);
    int is_written = !ferror(out);
    if (fclose(out) != 0 || !is_written)
        return failed(error, OBS_UNAVAILABLE, "the picture could not be written whole: is the disk full?");
    return OBS_OK;
}

static obs_status put_picture(obs_function_call *call, const json_t *curve, const char *name, const char *kind,
                              obs_error *error)
{
    char path[4096], key[600], file[560];
    const char *folder;
    obs_put_options options;
    obs_pair label = {"product", "light-curve.picture"};
    obs_status status = obs_function_folder(&folder, call, error);
    if (status != OBS_OK)
        return status;
    snprintf(file, sizeof file, "%s.%s.svg", name, kind);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    snprintf(key, sizeof key, PRODUCTS "%s", file);
    obs_put_options_init(&options, sizeof options);
    options.content_type = "image/svg+xml";
    options.labels = &label;
    options.label_count = 1;
    status = draw(path, curve, name, strcmp(kind, LIGHT) == 0, error);
    return status == OBS_OK ? obs_function_put_file(call, key, OBS_TEXT, file, &options, error) : status;
}

static obs_status put_numbers(obs_function_call *call, const json_t *curve, const char *key, obs_error *error)
{
    obs_put_options options;
    obs_pair labels[] = {{"product", "light-curve"}, {"object", json_string_value(json_object_get(curve, "object"))}};
    char *text = json_dumps(curve, JSON_COMPACT | JSON_REAL_PRECISION(10));
    if (!text)
        return failed(error, OBS_RESOURCE_EXHAUSTED, "no memory for the product");
    obs_put_options_init(&options, sizeof options);
    options.content_type = "application/json";
    options.labels = labels;
    options.label_count = labels[1].value ? 2 : 1;
    obs_status status = obs_function_put(call, key, OBS_TEXT, text, OBS_TEXT, &options, error);
    free(text);
    return status;
}

static obs_status publish(obs_function_call *call, const char *key, obs_error *error)
{
    obs_event made;
    obs_event_init(&made, sizeof made);
    made.type = "org.example.light-curve.made";
    made.subject = key;
    return obs_function_publish(call, &made, NULL, error);
}

static obs_status make(obs_function_call *call, const json_t *curve, const char *name, obs_error *error)
{
    char key[600];
    snprintf(key, sizeof key, PRODUCTS "%s.json", name);
    obs_status status = put_picture(call, curve, name, LIGHT, error);
    if (status == OBS_OK)
        status = put_picture(call, curve, name, SKY, error);
    if (status == OBS_OK)
        status = put_numbers(call, curve, key, error);
    return status == OBS_OK ? publish(call, key, error) : status;
}

static obs_status on_file(obs_function_call *call, void *context, obs_error *error)
{
    const char *key = obs_function_event(call)->subject;
    obs_buffer *content = NULL;
    (void)context;
    if (!key || strncmp(key, RAW, strlen(RAW)) != 0 || strlen(key) > 500)
        return failed(error, OBS_REFUSED, "the subject of the event is no key below " RAW);
    obs_status status = obs_function_get(&content, call, key, OBS_TEXT, error);
    if (status != OBS_OK)
        return status;
    json_t *curve = curve_read(obs_buffer_data(content), obs_buffer_size(content));
    if (curve)
        status = make(call, curve, key + strlen(RAW), error);
    else
        status = failed(error, OBS_RESOURCE_EXHAUSTED, "no memory for the observations");
    json_decref(curve);
    obs_buffer_free(content);
    return status;
}

int main(int count, char **words)
{
    return obs_function_main(count, words, on_file, NULL);
}
