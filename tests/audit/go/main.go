// Verifies a log that libobs wrote with nothing but Go's own packages for signed notes and transparency logs: the checkpoint, every
// tile, every record, proofs of inclusion, and that it goes on from older checkpoints.
//
//	verify LOG KEY [OLDER...]
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

// A checkpoint of C2SP tlog-checkpoint: origin, size, root.
func checkpoint(path string, key note.Verifier) (tlog.Tree, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	signed, err := note.Open(text, note.VerifierList(key))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%s: %w", path, err)
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != key.Name() {
		return tlog.Tree{}, fmt.Errorf("%s: not a checkpoint of %s", path, key.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("%s: no root", path)
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

// The name that C2SP tlog-tiles gives to a file.
func name(level string, n int64, w int) string {
	text := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		text = fmt.Sprintf("x%03d/%s", n%1000, text)
	}
	if w < width {
		text += fmt.Sprintf(".p/%d", w)
	}
	return filepath.Join("tile", level, text)
}

type tiles string

func (folder tiles) Height() int                     { return 8 }
func (folder tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(string(folder), name(strconv.Itoa(tile.L), tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %v has %d bytes", tile, len(data))
		}
		all = append(all, data)
	}
	return all, nil
}

func bundle(folder string, n int64, w int) ([][]byte, error) {
	path := filepath.Join(folder, name("entries", n, w))
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var records [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s is torn", path)
		}
		size := int(binary.BigEndian.Uint16(data))
		records = append(records, data[2:2+size])
		data = data[2+size:]
	}
	if len(records) != w {
		return nil, fmt.Errorf("%s has %d records instead of %d", path, len(records), w)
	}
	return records, nil
}

func verify(folder, keyFile string, older []string) error {
	line, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	key, err := note.NewVerifier(string(bytes.TrimSpace(line)))
	if err != nil {
		return err
	}
	tree, err := checkpoint(filepath.Join(folder, "checkpoint"), key)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles(folder))
	for n := int64(0); n*width < tree.N; n++ {
		records, err := bundle(folder, n, int(min(width, tree.N-n*width)))
		if err != nil {
			return err
		}
		for i, record := range records {
			id := n*width + int64(i)
			hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, id)})
			if err != nil {
				return err
			}
			if hashes[0] != tlog.RecordHash(record) {
				return fmt.Errorf("record %d is not what the tree has", id)
			}
		}
	}
	for id := int64(0); id < tree.N; id += 97 {
		proof, err := tlog.ProveRecord(tree.N, id, reader)
		if err != nil {
			return err
		}
		hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, id)})
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, id, hashes[0]); err != nil {
			return err
		}
	}
	for _, path := range older {
		before, err := checkpoint(path, key)
		if err != nil {
			return err
		}
		if before.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
			return fmt.Errorf("it does not go on from %s: %w", path, err)
		}
	}
	fmt.Printf("%d records\n", tree.N)
	return nil
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "verify LOG KEY [OLDER...]")
		os.Exit(2)
	}
	if err := verify(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
