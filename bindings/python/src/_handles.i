/* Handles in and out, the status, and the error as an exception. */

%{
static PyObject *error_factory; /* a callable of obs._errors: (status, message, detail, retryable, …) -> exception */

static PyObject *raise_error(const obs_error *error)
{
    PyObject *exception = NULL;
    if (error_factory)
        exception = PyObject_CallFunction(error_factory, "issiiiiis", (int)error->status, error->message, error->detail,
                                          (int)error->retryable, (int)error->http_status, (int)error->line,
                                          (int)error->column, (int)error->system, error->request_id);
    if (exception)
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_RuntimeError, error->message);
    Py_XDECREF(exception);
    return NULL;
}

static PyObject *set_error_factory(PyObject *factory)
{
    Py_XDECREF(error_factory);
    error_factory = Py_NewRef(factory);
    Py_RETURN_NONE;
}

static PyObject *append(PyObject *result, PyObject *more)
{
    PyObject *pair;
    if (!result)
        return more;
    pair = more ? PyTuple_Pack(2, result, more) : NULL;
    Py_DECREF(result);
    Py_XDECREF(more);
    return pair;
}

/*
 * ---- a client, and what it hands out ----
 *
 * A type of our own: SWIG's pointers end with nobody, and its way to an object that carries one is slower than a get from
 * memory. What a client handed out holds the client; a call that runs holds what it was given, so that closing frees
 * nothing in use.
 */

typedef void (*handle_free)(void *pointer);

typedef struct handle_object {
    PyObject_HEAD
    void *pointer;
    const swig_type_info *kind;
    handle_free free; /* NULL: the client frees it */
    PyObject *client; /* or NULL */
} handle_object;

static PyTypeObject *handle_type;

static void handle_dealloc(PyObject *object)
{
    handle_object *self = (handle_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->free) {
        Py_BEGIN_ALLOW_THREADS
        self->free(self->pointer);
        Py_END_ALLOW_THREADS
    }
    Py_XDECREF(self->client);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyType_Slot handle_slots[] = {{Py_tp_dealloc, handle_dealloc}, {0, NULL}};
static PyType_Spec handle_spec = {"obs.Handle", sizeof(handle_object), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, handle_slots};

static PyObject *handle_new(void *pointer, const swig_type_info *kind, handle_free free, PyObject *client)
{
    handle_object *self = (handle_object *)((allocfunc)PyType_GetSlot(handle_type, Py_tp_alloc))(handle_type, 0);
    if (self) {
        self->pointer = pointer;
        self->kind = kind;
        self->free = free;
        self->client = Py_XNewRef(client);
    } else if (free) {
        free(pointer);
    }
    return (PyObject *)self;
}

/* NULL with an exception when it is something else. */
static void *handle_of(PyObject *object, const swig_type_info *kind)
{
    if (Py_TYPE(object) == handle_type && ((handle_object *)object)->kind == kind)
        return ((handle_object *)object)->pointer;
    if (object == Py_None)
        PyErr_SetString(PyExc_ValueError, "the handle is closed");
    else
        PyErr_Format(PyExc_TypeError, "a handle of another kind is needed: %s", kind->str);
    return NULL;
}

static void close_client(void *client)
{
    obs_client_close(client);
}

static void free_cancel(void *cancel)
{
    obs_cancel_free(cancel);
}

static void free_store(void *store)
{
    obs_store_free(store);
}
%}
%nothread set_error_factory;
PyObject *set_error_factory(PyObject *factory);

%init %{
    handle_type = (PyTypeObject *)PyType_FromSpec(&handle_spec); /* a failure leaves its exception: the import fails */
%}

%typemap(in) obs_client *client, obs_store *store, obs_bus *bus, obs_catalog *catalog, obs_audit *audit,
             const obs_client *client, const obs_store *store {
    $1 = handle_of($input, $1_descriptor);
    if (!$1)
        SWIG_fail;
}
%typemap(in, numinputs=0) obs_client **out (obs_client *local = NULL), obs_store **out (obs_store *local = NULL) "$1 = &local;"
%typemap(argout) obs_client **out
    "if (*$1) $result = append($result, handle_new(*$1, SWIGTYPE_p_obs_client, close_client, NULL));"
%typemap(in, numinputs=0) obs_cancel **out (obs_cancel *local = NULL) "$1 = &local;"
%typemap(argout) obs_cancel **out
    "if (*$1) $result = append($result, handle_new(*$1, SWIGTYPE_p_obs_cancel, free_cancel, NULL));"
%typemap(argout) obs_store **out
    "if (*$1) $result = append($result, handle_new(*$1, SWIGTYPE_p_obs_store, free_store, NULL));"
%typemap(out) obs_store *, obs_bus *, obs_catalog *, obs_audit *
    "$result = handle_new($1, $1_descriptor, NULL, swig_obj[0]); /* the client */"

/* Held by the tuple of each call that waits with it: other threads may drop theirs meanwhile. */
%typemap(in) obs_cancel *cancel {
    $1 = $input == Py_None ? NULL : handle_of($input, $1_descriptor);
    if (!$1 && $input != Py_None)
        SWIG_fail;
}

%typemap(in) obs_status, obs_check_mode, obs_store_feature, obs_log_level "$1 = ($1_ltype)PyLong_AsLong($input);"
%typemap(out) obs_status "(void)$1; $result = NULL;"

/* Always the last parameter: by now all results are there, and are dropped when the call or one of them failed. */
%typemap(in, numinputs=0) obs_error *error (obs_error local) {
    obs_error_init(&local, sizeof local);
    $1 = &local;
}
%typemap(argout) obs_error *error {
    if ($1->status != OBS_OK || PyErr_Occurred()) {
        Py_XDECREF($result);
        $result = NULL;
        if (!PyErr_Occurred())
            raise_error($1);
        SWIG_fail;
    }
    if (!$result)
        $result = Py_NewRef(Py_None);
}

%define HANDLE_OUT(type, free)
%typemap(in, numinputs=0) type **out (type *local = NULL) "$1 = &local;"
%typemap(argout) type **out {
    if (*$1) {
        PyObject *handle = SWIG_NewPointerObj(*$1, SWIGTYPE_p_##type, 0);
        if (!handle) /* no memory for the object: nobody could free what it stands for */
            free(*$1);
        $result = append($result, handle);
    }
}
%enddef
HANDLE_OUT(obs_writer, obs_writer_free)
HANDLE_OUT(obs_reader, obs_reader_free)
HANDLE_OUT(obs_rows, obs_rows_free)
HANDLE_OUT(obs_unit, obs_unit_free)
HANDLE_OUT(obs_subscription, obs_subscription_free)
HANDLE_OUT(obs_queue, obs_queue_free)
HANDLE_OUT(obs_operation, obs_operation_free)

/* What was closed is None on the Python side. */
%typemap(check) obs_rows *rows, obs_writer *writer, obs_reader *reader, obs_unit *unit, obs_subscription *subscription,
                obs_queue *queue, obs_operation *operation, const obs_reader *reader, const obs_rows *rows,
                const obs_subscription *subscription, const obs_queue *queue {
    if (!$1) {
        PyErr_SetString(PyExc_ValueError, "the handle is closed");
        SWIG_fail;
    }
}
