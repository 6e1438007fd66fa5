/* Keys, bytes, pairs, stats, rows and events between Python and C. */

%{
/* ---- received bytes: an object with the buffer protocol over an obs_buffer, without a copy ---- */

typedef struct buffer_object {
    PyObject_HEAD
    obs_buffer *buffer;
} buffer_object;

static void buffer_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    obs_buffer_free(((buffer_object *)self)->buffer);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static int buffer_get(PyObject *self, Py_buffer *view, int flags)
{
    obs_buffer *buffer = ((buffer_object *)self)->buffer;
    return PyBuffer_FillInfo(view, self, (void *)obs_buffer_data(buffer), (Py_ssize_t)obs_buffer_size(buffer), 1, flags);
}

static Py_ssize_t buffer_length(PyObject *self)
{
    return (Py_ssize_t)obs_buffer_size(((buffer_object *)self)->buffer);
}

static PyObject *buffer_bytes(PyObject *self, PyObject *ignored)
{
    obs_buffer *buffer = ((buffer_object *)self)->buffer;
    (void)ignored;
    return PyBytes_FromStringAndSize(obs_buffer_data(buffer), (Py_ssize_t)obs_buffer_size(buffer));
}

static PyMethodDef buffer_methods[] = {
    {"__bytes__", buffer_bytes, METH_NOARGS, "A copy as bytes."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot buffer_slots[] = {
    {Py_tp_dealloc, buffer_dealloc}, {Py_bf_getbuffer, buffer_get}, {Py_sq_length, buffer_length},
    {Py_tp_methods, buffer_methods}, {Py_tp_doc, "Received bytes, read without a copy through memoryview()."},
    {0, NULL},
};
static PyType_Spec buffer_spec = {"obs.Buffer", sizeof(buffer_object), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, buffer_slots};
static PyTypeObject *buffer_type;

static PyObject *buffer_new(obs_buffer *buffer)
{
    buffer_object *self = (buffer_object *)((allocfunc)PyType_GetSlot(buffer_type, Py_tp_alloc))(buffer_type, 0);
    if (self)
        self->buffer = buffer;
    else
        obs_buffer_free(buffer);
    return (PyObject *)self;
}

/* ---- bytes that a started operation borrows: holds the exporter until it is done ---- */

typedef struct held_object {
    PyObject_HEAD
    Py_buffer view;
} held_object;

static void held_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyBuffer_Release(&((held_object *)self)->view);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyType_Slot held_slots[] = {{Py_tp_dealloc, held_dealloc}, {0, NULL}};
static PyType_Spec held_spec = {"obs.Held", sizeof(held_object), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, held_slots};
static PyTypeObject *held_type;

static PyObject *hold(PyObject *data)
{
    held_object *self = (held_object *)((allocfunc)PyType_GetSlot(held_type, Py_tp_alloc))(held_type, 0);
    if (self && PyObject_GetBuffer(data, &self->view, PyBUF_SIMPLE) != 0) {
        self->view.obj = NULL;
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static const Py_buffer *held_view(PyObject *holder)
{
    return &((held_object *)holder)->view;
}

/* ---- text ---- */

/* None gives NULL; a text (str, or bytes for a path in another encoding) must hold no NUL. Borrowed from the object. */
static int text_of(const char **out, PyObject *object)
{
    Py_ssize_t size = 0;
    *out = NULL;
    if (!object || object == Py_None)
        return object ? 0 : -1;
    if (PyBytes_Check(object)) {
        char *bytes = NULL;
        if (PyBytes_AsStringAndSize(object, &bytes, &size) == 0)
            *out = bytes;
    } else {
        *out = PyUnicode_AsUTF8AndSize(object, &size);
    }
    if (*out && strlen(*out) != (size_t)size) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        *out = NULL;
    }
    return *out ? 0 : -1;
}

/* A key: str or bytes, NUL allowed inside. */
static int key_of(const char **out, size_t *size, PyObject *object)
{
    Py_ssize_t length;
    if (PyBytes_Check(object)) {
        char *bytes;
        if (PyBytes_AsStringAndSize(object, &bytes, &length) != 0)
            return -1;
        *out = bytes;
    } else {
        *out = PyUnicode_AsUTF8AndSize(object, &length);
        if (!*out)
            return -1;
    }
    *size = (size_t)length;
    return 0;
}

/* ---- pairs: a flat tuple (name, value, name, value, …) made by the façade, or None ---- */

static int pairs_of(obs_pair **out, size_t *count, PyObject *object)
{
    *out = NULL;
    *count = 0;
    if (object == Py_None)
        return 0;
    Py_ssize_t size = PyTuple_Size(object);
    if (size < 0)
        return -1;
    *out = PyMem_Calloc((size_t)size / 2 + 1, sizeof **out);
    if (!*out) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i + 1 < size; i += 2) {
        if (text_of(&(*out)[i / 2].name, PyTuple_GetItem(object, i)) != 0 ||
            text_of(&(*out)[i / 2].value, PyTuple_GetItem(object, i + 1)) != 0)
            return -1;
        ++*count;
    }
    return 0;
}

static PyObject *pairs_dict(const obs_pair *pairs, size_t count)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict && i < count; i++) {
        PyObject *value = PyUnicode_FromString(pairs[i].value);
        if (!value || PyDict_SetItemString(dict, pairs[i].name, value) != 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

/* ---- a stat, as the arguments of obs.Stat ---- */

static PyObject *stat_tuple(const obs_stat *stat)
{
    PyObject *metadata = pairs_dict(stat->metadata, stat->metadata_count);
    PyObject *labels = pairs_dict(stat->labels, stat->label_count);
    if (!metadata || !labels) {
        Py_XDECREF(metadata);
        Py_XDECREF(labels);
        return NULL;
    }
    return Py_BuildValue("(s#KLsssNNNN)", stat->key, (Py_ssize_t)stat->key_size, (unsigned long long)stat->size,
                         (long long)stat->modified_ns, stat->etag ? stat->etag : "", stat->content_type ? stat->content_type : "",
                         stat->sha256 ? stat->sha256 : "", metadata, labels, PyBool_FromLong(stat->changed_outside),
                         PyBool_FromLong(stat->is_prefix));
}

static PyObject *page_tuple(const obs_page *page)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < obs_page_count(page); i++) {
        PyObject *stat = stat_tuple(obs_page_at(page, i));
        if (!stat || PyList_Append(list, stat) != 0)
            Py_CLEAR(list);
        Py_XDECREF(stat);
    }
    return list ? Py_BuildValue("(Ns)", list, obs_page_next(page)) : NULL;
}

/* ---- an event: a tuple (id, source, type, subject, time, datacontenttype, dataschema, data, extensions) ---- */

static int event_of(obs_event *event, obs_pair **extensions, Py_buffer *view, PyObject *tuple)
{
    const char **texts[] = {&event->id,      &event->source, &event->type, &event->subject,
                            &event->time,    &event->datacontenttype, &event->dataschema};
    obs_event_init(event, sizeof *event);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (text_of(texts[i], PyTuple_GetItem(tuple, (Py_ssize_t)i)) != 0)
            return -1;
    PyObject *bytes = PyTuple_GetItem(tuple, 7);
    if (bytes && bytes != Py_None) {
        if (PyObject_GetBuffer(bytes, view, PyBUF_SIMPLE) != 0)
            return -1;
        event->data = view->buf ? view->buf : "";
        event->data_size = (size_t)view->len;
    }
    if (pairs_of(extensions, &event->extension_count, PyTuple_GetItem(tuple, 8)) != 0)
        return -1;
    event->extensions = *extensions;
    return 0;
}

static PyObject *event_tuple(const obs_event *event)
{
    PyObject *extensions = pairs_dict(event->extensions, event->extension_count);
    PyObject *bytes = event->data ? PyBytes_FromStringAndSize(event->data, (Py_ssize_t)event->data_size) : Py_NewRef(Py_None);
    if (!extensions || !bytes) {
        Py_XDECREF(extensions);
        Py_XDECREF(bytes);
        return NULL;
    }
    return Py_BuildValue("(zzzzzzzNN)", event->id, event->source, event->type, event->subject, event->time,
                         event->datacontenttype, event->dataschema, bytes, extensions);
}

static PyObject *delivery_tuple(const obs_delivery *delivery)
{
    PyObject *event = event_tuple(delivery->event);
    return event ? Py_BuildValue("(NKI)", event, (unsigned long long)delivery->sequence, (unsigned)delivery->attempt) : NULL;
}

static PyObject *delivery_list(const obs_deliveries *deliveries)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < obs_deliveries_count(deliveries); i++) {
        PyObject *delivery = delivery_tuple(obs_deliveries_at(deliveries, i));
        if (!delivery || PyList_Append(list, delivery) != 0)
            Py_CLEAR(list);
        Py_XDECREF(delivery);
    }
    return list;
}

/* Free with PyMem_Free(), also what failed. */
static int sequences_of(uint64_t **out, size_t *count, PyObject *tuple)
{
    Py_ssize_t size = PyTuple_Size(tuple);
    if (size < 0)
        return -1;
    *count = (size_t)size;
    *out = PyMem_Calloc(*count + 1, sizeof **out);
    if (!*out)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; *out && i < size && !PyErr_Occurred(); i++)
        (*out)[i] = PyLong_AsUnsignedLongLong(PyTuple_GetItem(tuple, i));
    return PyErr_Occurred() ? -1 : 0;
}
%}

%nothread hold;
PyObject *hold(PyObject *data);

%init %{
    buffer_type = (PyTypeObject *)PyType_FromSpec(&buffer_spec);
    held_type = (PyTypeObject *)PyType_FromSpec(&held_spec);
    if (buffer_type && held_type)
        PyModule_AddObjectRef(m, "Buffer", (PyObject *)buffer_type); /* a failure leaves its exception: the import fails */
%}

/* Texts: None is NULL. */
%typemap(in) const char *url, const char *path, const char *name, const char *prefix, const char *query,
             const char *definition, const char *consumer, const char *reason {
    if (text_of((const char **)&$1, $input) != 0)
        SWIG_fail;
}

/* Texts out. Only a path may be something else than UTF-8, and then reads as os.fsdecode() has it. */
%typemap(out) const char * "$result = PyUnicode_DecodeUTF8($1, (Py_ssize_t)strlen($1), \"surrogateescape\");"

/* Keys and other texts with their size. */
%typemap(in) (const char *key, size_t key_size) {
    if (key_of((const char **)&$1, &$2, $input) != 0)
        SWIG_fail;
}
%apply (const char *key, size_t key_size) { (const char *from, size_t from_size), (const char *to, size_t to_size),
    (const char *schema, size_t size), (const char *json, size_t size), (const char *lines, size_t size),
    (const char *data, size_t size) };

/* Bytes in: any contiguous buffer, held until the call is over (the GIL is released during it). */
%typemap(in) (const void *data, size_t size) (Py_buffer view = {0}) {
    if (PyObject_GetBuffer($input, &view, PyBUF_SIMPLE) != 0)
        SWIG_fail;
    $1 = view.buf;
    $2 = (size_t)view.len;
}
%typemap(freearg) (const void *data, size_t size) "PyBuffer_Release(&view$argnum);"
%typemap(in) (void *data, size_t capacity) (Py_buffer view = {0}) {
    if (PyObject_GetBuffer($input, &view, PyBUF_WRITABLE) != 0)
        SWIG_fail;
    $1 = view.buf;
    $2 = (size_t)view.len;
}
%typemap(freearg) (void *data, size_t capacity) "PyBuffer_Release(&view$argnum);"

%typemap(in) (const obs_pair *labels, size_t count) (obs_pair *local = NULL) {
    if (pairs_of(&local, &$2, $input) != 0)
        SWIG_fail;
    $1 = local;
}
%typemap(freearg) (const obs_pair *labels, size_t count) "PyMem_Free(local$argnum);"

/* Results. */
%typemap(in, numinputs=0) obs_buffer **out (obs_buffer *local = NULL) "$1 = &local;"
%typemap(argout) obs_buffer **out { if (*$1) $result = append($result, buffer_new(*$1)); }
%typemap(in, numinputs=0) obs_buffer **out_key (obs_buffer *local = NULL), obs_buffer **out_id (obs_buffer *local = NULL)
    "$1 = &local;"
%typemap(argout) obs_buffer **out_key, obs_buffer **out_id {
    if (*$1)
        $result = append($result, PyUnicode_FromStringAndSize(obs_buffer_data(*$1), (Py_ssize_t)obs_buffer_size(*$1)));
    obs_buffer_free(*$1);
}
%typemap(in, numinputs=0) obs_stat **out (obs_stat *local = NULL) "$1 = &local;"
%typemap(argout) obs_stat **out {
    if (*$1)
        $result = append($result, stat_tuple(*$1));
    obs_stat_free(*$1);
}
%typemap(out) const obs_stat * "$result = stat_tuple($1);"
%typemap(in, numinputs=0) obs_page **out (obs_page *local = NULL) "$1 = &local;"
%typemap(argout) obs_page **out {
    if (*$1)
        $result = append($result, page_tuple(*$1));
    obs_page_free(*$1);
}
%typemap(in, numinputs=0) size_t *out_size (size_t local = 0) "$1 = &local;"
%typemap(argout) size_t *out_size "$result = append($result, PyLong_FromSize_t(*$1));"
%typemap(in, numinputs=0) PyObject **tags (PyObject *local = NULL) "$1 = &local;"
%typemap(argout) PyObject **tags "$result = append($result, *$1);"
%typemap(in, numinputs=0) (const char **text, size_t *size) (const char *local = NULL, size_t length = 0)
    "$1 = ($1_ltype)&local; $2 = &length;"
%typemap(argout) (const char **text, size_t *size) {
    if (*$1)
        $result = append($result, PyUnicode_FromStringAndSize(*$1, (Py_ssize_t)*$2));
}
%typemap(in, numinputs=0) obs_ingest_counts *out (obs_ingest_counts local) {
    memset(&local, 0, sizeof local);
    local.size = sizeof local;
    $1 = &local;
}
%typemap(argout) obs_ingest_counts *out
    "$result = append($result, Py_BuildValue(\"(KK)\", (unsigned long long)$1->accepted, (unsigned long long)$1->refused));"

/* Events. */
%typemap(in) const obs_event *event (obs_event local, obs_pair *extensions = NULL, Py_buffer view = {0}) {
    if (event_of(&local, &extensions, &view, $input) != 0)
        SWIG_fail;
    $1 = &local;
}
%typemap(freearg) const obs_event *event "PyMem_Free(extensions$argnum); PyBuffer_Release(&view$argnum);"
%typemap(in, numinputs=0) obs_event **out (obs_event *local = NULL) "$1 = &local;"
%typemap(argout) obs_event **out {
    if (*$1)
        $result = append($result, event_tuple(*$1));
    obs_event_free(*$1);
}
%typemap(in, numinputs=0) const obs_delivery **out (const obs_delivery *local = NULL) "$1 = ($1_ltype)&local;"
%typemap(argout) const obs_delivery **out {
    if (*$1)
        $result = append($result, delivery_tuple(*$1));
}
%typemap(in, numinputs=0) obs_deliveries **out (obs_deliveries *local = NULL) "$1 = &local;"
%typemap(argout) obs_deliveries **out {
    $result = append($result, delivery_list(*$1));
    obs_deliveries_free(*$1);
}
%typemap(in) (const uint64_t *sequences, size_t count) (uint64_t *local = NULL) {
    if (sequences_of(&local, &$2, $input) != 0)
        SWIG_fail;
    $1 = local;
}
%typemap(freearg) (const uint64_t *sequences, size_t count) "PyMem_Free(local$argnum);"
%typemap(in, numinputs=0) size_t *done (size_t local = 0) "$1 = &local;"
%typemap(argout) size_t *done "$result = append($result, PyLong_FromSize_t(*$1));"
