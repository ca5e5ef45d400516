// Checks heads and proofs of transcripts by the code with which Go checks its own log of modules: golang.org/x/mod/sumdb, note and tlog.
// Standard input: a list of cases, as JSON. Standard output: a line for each, "ok", or "no: " and why it is refused.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proof struct {
	// The relay: its server_id, and its public key (32 bytes, base64).
	ServerId, Key string
	// The head as HEAD gives it.
	Checkpoint string
	// An event as it is stored, and the proof that it is in the tree; "": none.
	Text      string
	Inclusion []string
	// An earlier size and its root, and the proof that it is the beginning; 0: none.
	From        int64
	Former      string
	Consistency []string
}

func hashOf(text string) (hash tlog.Hash, err error) {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(bytes) != tlog.HashSize {
		err = errors.New("not a hash: " + text)
	}
	copy(hash[:], bytes)
	return hash, err
}

func hashesOf(texts []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(texts))
	for _, text := range texts {
		hash, err := hashOf(text)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// What stands in the tree for an event, and its number: docs/TRANSCRIPTS.md.
func entryOf(text string) (entry []byte, seq int64, err error) {
	var event map[string]json.RawMessage
	if err = json.Unmarshal([]byte(text), &event); err != nil {
		return nil, 0, err
	}
	var stub bytes.Buffer
	for _, name := range []string{"type", "ts", "from", "by", "to", "msg_id", "seq"} {
		if value, ok := event[name]; ok {
			separator := byte(',')
			if stub.Len() == 0 {
				separator = '{'
			}
			stub.WriteByte(separator)
			fmt.Fprintf(&stub, "%q:%s", name, value)
		}
	}
	if seq, err = strconv.ParseInt(string(event["seq"]), 10, 64); err != nil {
		return nil, 0, err
	}
	sum := sha256.Sum256([]byte(text))
	fmt.Fprintf(&stub, "}\n%s\n", base64.StdEncoding.EncodeToString(sum[:]))
	return stub.Bytes(), seq, nil
}

// The size and the root of a head that this relay signed.
func open(p proof) (size int64, root tlog.Hash, err error) {
	key, err := base64.StdEncoding.DecodeString(p.Key)
	if err != nil {
		return 0, root, err
	}
	named, err := note.NewEd25519VerifierKey("agentchat/"+p.ServerId, key)
	if err != nil {
		return 0, root, err
	}
	verifier, err := note.NewVerifier(named)
	if err != nil {
		return 0, root, err
	}
	opened, err := note.Open([]byte(p.Checkpoint), note.VerifierList(verifier))
	if err != nil {
		return 0, root, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "agentchat/"+p.ServerId+"/") {
		return 0, root, errors.New("not a head of this relay")
	}
	if size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return 0, root, err
	}
	root, err = hashOf(lines[2])
	return size, root, err
}

func check(p proof) error {
	size, root, err := open(p)
	if err != nil {
		return err
	}
	if p.Text != "" {
		entry, seq, err := entryOf(p.Text)
		if err != nil {
			return err
		}
		inclusion, err := hashesOf(p.Inclusion)
		if err != nil {
			return err
		}
		if err = tlog.CheckRecord(inclusion, size, root, seq-1, tlog.RecordHash(entry)); err != nil {
			return err
		}
	}
	if p.From > 0 {
		former, err := hashOf(p.Former)
		if err != nil {
			return err
		}
		consistency, err := hashesOf(p.Consistency)
		if err != nil {
			return err
		}
		return tlog.CheckTree(consistency, size, root, p.From, former)
	}
	return nil
}

func main() {
	var cases []proof
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, each := range cases {
		if err := check(each); err != nil {
			fmt.Println("no: " + strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok")
		}
	}
}
