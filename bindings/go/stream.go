package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
)

// Reader reads an object piece by piece; it stays the same object although its key is written anew.
// It is an io.ReadSeekCloser, io.ReaderAt and io.WriterTo. Safe for concurrent use, though Read and Seek share one position.
type Reader struct {
	lock  sync.Mutex
	c     *C.obs_reader
	owner any
	at    int64
	stat  Stat
}

// Open opens an object for reading.
func (store *Store) Open(ctx context.Context, key string) (*Reader, error) {
	var out *C.obs_reader
	err := withCall(ctx, store, func(made *call) error {
		name, size := text(key)
		return failure(C.go_reader_open(&out, store.c, name, size, made.c))
	})
	if err != nil {
		return nil, err
	}
	reader := &Reader{c: out, owner: store, stat: statOf(C.obs_reader_stat(out))}
	runtime.SetFinalizer(reader, (*Reader).Close)
	return reader, nil
}

// Stat is what is known about the object.
func (reader *Reader) Stat() Stat { return reader.stat }

// Read implements io.Reader.
func (reader *Reader) Read(content []byte) (int, error) {
	reader.lock.Lock()
	defer reader.lock.Unlock()
	return reader.read(content)
}

func (reader *Reader) read(content []byte) (int, error) {
	if reader.c == nil {
		return 0, errClosed
	}
	if len(content) == 0 {
		return 0, nil
	}
	slots.take()
	defer slots.leave()
	bytes, size := data(content)
	var got C.size_t
	err := failure(C.go_reader_read(&got, reader.c, bytes, size))
	reader.at += int64(got)
	if err == nil && got == 0 {
		err = io.EOF
	}
	return int(got), err
}

// Seek implements io.Seeker.
func (reader *Reader) Seek(offset int64, whence int) (int64, error) {
	reader.lock.Lock()
	defer reader.lock.Unlock()
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += reader.at
	case io.SeekEnd:
		offset += reader.stat.Size
	default:
		return 0, errors.New("obs: invalid whence")
	}
	return offset, reader.seek(offset)
}

func (reader *Reader) seek(offset int64) error {
	if offset < 0 {
		return errors.New("obs: negative position")
	}
	if reader.c == nil {
		return errClosed
	}
	if err := failure(C.go_reader_seek(reader.c, C.uint64_t(offset))); err != nil {
		return err
	}
	reader.at = offset
	return nil
}

// ReadAt implements io.ReaderAt; it leaves the position of Read where it is.
func (reader *Reader) ReadAt(content []byte, offset int64) (int, error) {
	reader.lock.Lock()
	defer reader.lock.Unlock()
	at, got := reader.at, 0
	err := reader.seek(offset)
	for err == nil && got < len(content) {
		var n int
		n, err = reader.read(content[got:])
		got += n
	}
	if back := reader.seek(at); err == nil {
		err = back
	}
	return got, err
}

// WriteTo implements io.WriterTo, in pieces of a megabyte.
func (reader *Reader) WriteTo(to io.Writer) (int64, error) {
	piece := make([]byte, 1<<20)
	return io.CopyBuffer(to, struct{ io.Reader }{reader}, piece)
}

// Close frees the reader.
func (reader *Reader) Close() error {
	reader.lock.Lock()
	defer reader.lock.Unlock()
	if reader.c != nil {
		runtime.SetFinalizer(reader, nil)
		C.obs_reader_free(reader.c)
		reader.c = nil
	}
	return nil
}

// Writer writes an object of a length that is not known yet. Close makes it durable and visible, Abort drops it.
// For one goroutine at a time.
type Writer struct {
	c     *C.obs_writer
	owner any
	call  call
	stat  Stat
}

// Create begins an object.
func (store *Store) Create(ctx context.Context, key string, options *PutOptions) (*Writer, error) {
	values, err := options.values()
	if err != nil {
		return nil, err
	}
	var made call
	if err := made.begin(ctx); err != nil {
		return nil, err
	}
	var out *C.obs_writer
	name, size := text(key)
	if err := failure(C.go_writer_open(&out, store.c, name, size, options.c(&made, values))); err != nil {
		made.release()
		return nil, err
	}
	writer := &Writer{c: out, owner: store, call: made}
	runtime.SetFinalizer(writer, (*Writer).Abort)
	return writer, nil
}

// Write implements io.Writer.
func (writer *Writer) Write(content []byte) (int, error) {
	if writer.c == nil {
		return 0, errClosed
	}
	slots.take()
	defer slots.leave()
	bytes, size := data(content)
	if err := failure(C.go_writer_write(writer.c, bytes, size)); err != nil {
		return 0, err
	}
	return len(content), nil
}

// Close makes the object durable and visible.
func (writer *Writer) Close() error {
	if writer.c == nil {
		return errClosed
	}
	slots.take()
	defer slots.leave()
	defer writer.Abort()
	var out *C.obs_stat
	failed := C.go_writer_commit(&out, writer.c)
	stat, err := takeStat(out, failed)
	writer.stat = stat
	return err
}

// Stat is what is known about the object once it is closed.
func (writer *Writer) Stat() Stat { return writer.stat }

// Abort drops what was written. After Close it does nothing.
func (writer *Writer) Abort() {
	if writer.c != nil {
		runtime.SetFinalizer(writer, nil)
		C.obs_writer_free(writer.c)
		writer.c = nil
		writer.call.release()
	}
}
