package obs_test

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	obs "github.com/libobs/libobs/bindings/go"
)

func TestStoreAsFiles(t *testing.T) {
	store := open(t).Store()
	for _, key := range []string{"a.txt", "night/1.fits", "night/2.fits", "night/deep/er/x", "both", "both/below",
		"dou//ble", "../out", "/lead", "trail/", "./dot", "é/🔭"} {
		must(store.Put(ctx, key, []byte("in "+key), nil))(t)
	}
	files := store.FS(ctx)
	if err := fstest.TestFS(files, "a.txt", "night/1.fits", "night/2.fits", "night/deep/er/x", "both/below", "é/🔭"); err != nil {
		t.Error(err)
	}
	var seen []string
	err := fs.WalkDir(files, ".", func(path string, _ fs.DirEntry, err error) error {
		seen = append(seen, path)
		return err
	})
	if want := []string{".", "a.txt", "both", "both/below"}; err != nil || !slices.Equal(seen[:4], want) || slices.Contains(seen, "out") {
		t.Errorf("walked %v, %v", seen, err)
	}
}

func TestFilesKnowTheirObjects(t *testing.T) {
	store := open(t).Store()
	stat := must(store.Put(ctx, "night/1.fits", []byte("SIMPLE"), &obs.PutOptions{Labels: map[string]string{"filter": "V"}}))(t)
	info := must(fs.Stat(store.FS(ctx), "night/1.fits"))(t)
	known, ok := info.Sys().(obs.Stat)
	if !ok || known.Labels["filter"] != "V" || !info.ModTime().Equal(stat.Modified) || info.Size() != 6 || info.Mode() != 0o444 {
		t.Errorf("known is %+v, %v", info, known)
	}
	_, err := store.FS(ctx).Open("nothing")
	var path *fs.PathError
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &path) || path.Path != "nothing" {
		t.Errorf("a missing file gives %v", err)
	}
	folder := must(store.FS(ctx).Open("night"))(t)
	if _, err := folder.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("reading a folder gives %v", err)
	}
}
