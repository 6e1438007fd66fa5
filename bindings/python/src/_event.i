/* event.h: events outside of the bus, as HTTP messages and in batches. */

%{
/* The headers as a dict, and the body. */
static obs_status obs_event_http(PyObject **made, const obs_event *event, obs_error *error)
{
    obs_event_message *message = NULL;
    obs_status status = obs_event_to_message(&message, event, OBS_EVENT_HTTP, error);
    if (status == OBS_OK)
        *made = Py_BuildValue("(Ny#)", pairs_dict(message->headers, message->header_count), (const char *)message->body,
                              (Py_ssize_t)message->body_size);
    obs_event_message_free(message);
    return status;
}

static obs_status obs_event_of_http(obs_event **out, PyObject *headers, const void *data, size_t size, obs_error *error)
{
    obs_pair *pairs = NULL;
    obs_event_message message = {.body = data, .body_size = size};
    obs_status status = OBS_INTERNAL; /* with an exception of Python */
    if (pairs_of(&pairs, &message.header_count, headers) == 0) {
        message.headers = pairs;
        status = obs_event_from_message(out, &message, OBS_EVENT_HTTP, error);
    }
    PyMem_Free(pairs);
    return status;
}

/* Each is an event, or the exception that says why it is none. */
static obs_status obs_event_batch_read(PyObject **made, const char *data, size_t size, obs_error *error)
{
    obs_event_batch *batch = NULL;
    obs_status status = obs_event_decode_batch(&batch, data, size, error);
    *made = status == OBS_OK ? PyList_New(0) : NULL;
    for (size_t i = 0; *made && i < obs_event_batch_count(batch); i++) {
        const obs_event *event;
        obs_error why;
        obs_error_init(&why, sizeof why);
        PyObject *item = obs_event_batch_at(&event, batch, i, &why) == OBS_OK ? event_tuple(event) : answer_of(&why);
        if (!item || PyList_Append(*made, item) != 0)
            Py_CLEAR(*made);
        Py_XDECREF(item);
    }
    obs_event_batch_free(batch);
    return status;
}

typedef struct python_event {
    obs_event event;
    obs_pair *extensions;
    Py_buffer view;
} python_event;

static obs_status obs_event_batch_write(obs_buffer **out, PyObject *tuple, obs_error *error)
{
    Py_ssize_t count = PyTuple_Size(tuple), filled = 0;
    python_event *events = PyMem_Calloc((size_t)count + 1, sizeof *events);
    const obs_event **pointers = PyMem_Calloc((size_t)count + 1, sizeof *pointers);
    obs_status status = OBS_INTERNAL;
    if (!events || !pointers)
        PyErr_NoMemory();
    while (events && pointers && filled < count) {
        python_event *event = &events[filled++];
        if (event_of(&event->event, &event->extensions, &event->view, PyTuple_GetItem(tuple, filled - 1)) != 0)
            break;
        pointers[filled - 1] = &event->event;
    }
    if (!PyErr_Occurred())
        status = obs_event_encode_batch(out, pointers, (size_t)count, error);
    for (Py_ssize_t i = 0; i < filled; i++) {
        PyMem_Free(events[i].extensions);
        PyBuffer_Release(&events[i].view);
    }
    PyMem_Free(pointers);
    PyMem_Free(events);
    return status;
}
%}

%apply PyObject **tags { PyObject **made };
%nothread obs_event_http; /* they make objects of Python */
%nothread obs_event_of_http;
%nothread obs_event_batch_read;
%nothread obs_event_batch_write;

obs_status obs_event_encode(obs_buffer **out, const obs_event *event, obs_error *error);
obs_status obs_event_decode(obs_event **out, const char *json, size_t size, obs_error *error);
obs_status obs_event_http(PyObject **made, const obs_event *event, obs_error *error);
obs_status obs_event_of_http(obs_event **out, PyObject *headers, const void *data, size_t size, obs_error *error);
obs_status obs_event_batch_read(PyObject **made, const char *data, size_t size, obs_error *error);
obs_status obs_event_batch_write(obs_buffer **out, PyObject *tuple, obs_error *error);
