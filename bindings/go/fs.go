package obs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// FS is a read-only view of the store as files and folders: for fs.WalkDir, http.FS, template.ParseFS and the like.
// Keys that are no valid paths (fs.ValidPath) are not seen, nor is an object whose key is also a folder's. The calls are made
// with ctx.
func (store *Store) FS(ctx context.Context) fs.FS { return fileSystem{ctx, store} }

type fileSystem struct {
	ctx   context.Context
	store *Store
}

// Open implements fs.FS.
func (files fileSystem) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if name != "." {
		isFolder, err := files.isFolder(name)
		if err == nil && !isFolder {
			return files.openFile(name)
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
	return &folder{info: info{name: path.Base(name), folder: true}, files: files, path: name}, nil
}

func (files fileSystem) isFolder(name string) (bool, error) {
	for _, err := range files.store.List(files.ctx, name+"/", &ListOptions{Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

func (files fileSystem) openFile(name string) (fs.File, error) {
	reader, err := files.store.Open(files.ctx, name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return file{reader}, nil
}

// ReadFile implements fs.ReadFileFS: one call for the whole object.
func (files fileSystem) ReadFile(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	content, err := files.store.Get(files.ctx, name, nil)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return content, nil
}

type info struct {
	name     string
	size     int64
	modified time.Time
	folder   bool
	stat     any
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.modified }
func (i info) IsDir() bool        { return i.folder }
func (i info) Sys() any           { return i.stat } // the Stat of an object
func (i info) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

func infoOf(stat Stat) info {
	if stat.IsPrefix {
		return info{name: path.Base(stat.Key), folder: true}
	}
	return info{name: path.Base(stat.Key), size: stat.Size, modified: stat.Modified, stat: stat}
}

// A file is the reader itself, so that it is an io.Seeker and io.ReaderAt too.
type file struct{ *Reader }

func (f file) Stat() (fs.FileInfo, error) { return infoOf(f.Reader.Stat()), nil }

type folder struct {
	info    info
	files   fileSystem
	path    string
	entries []fs.DirEntry
	loaded  bool
}

func (f *folder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *folder) Close() error               { return nil }
func (f *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.path, Err: errors.New("is a folder")}
}

// ReadDir implements fs.ReadDirFile.
func (f *folder) ReadDir(count int) ([]fs.DirEntry, error) {
	if err := f.load(); err != nil {
		return nil, err
	}
	if count <= 0 {
		count = len(f.entries)
	} else if len(f.entries) == 0 {
		return nil, io.EOF
	}
	count = min(count, len(f.entries))
	entries := slices.Clone(f.entries[:count])
	f.entries = f.entries[count:]
	return entries, nil
}

func (f *folder) load() error {
	if f.loaded {
		return nil
	}
	prefix := ""
	if f.path != "." {
		prefix = f.path + "/"
	}
	found := map[string]info{}
	for stat, err := range f.files.store.List(f.files.ctx, prefix, &ListOptions{Delimiter: "/"}) {
		if err != nil {
			return &fs.PathError{Op: "readdir", Path: f.path, Err: err}
		}
		name := strings.TrimSuffix(stat.Key[len(prefix):], "/")
		valid := name != "." && fs.ValidPath(name) && stat.IsPrefix == strings.HasSuffix(stat.Key, "/")
		if valid && !found[name].folder {
			found[name] = infoOf(stat)
		}
	}
	for _, one := range found {
		f.entries = append(f.entries, fs.FileInfoToDirEntry(one))
	}
	slices.SortFunc(f.entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	f.loaded = true
	return nil
}
