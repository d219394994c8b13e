//go:build v3_6

package main

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// What v3.6 has as values, and later versions as pointers.

type message = pb.Message

func founded(voters []uint64) *raft.MemoryStorage {
	storage := raft.NewMemoryStorage()
	must(storage.ApplySnapshot(pb.Snapshot{Metadata: pb.SnapshotMetadata{
		Index: 1, Term: 1, ConfState: pb.ConfState{Voters: voters},
	}}))
	must(storage.SetHardState(pb.HardState{Term: 1, Commit: 1}))
	return storage
}

func target(m message) uint64 { return m.To }

func anAppend(entries, bytes int) message {
	m := pb.Message{Type: pb.MsgApp, To: 2, From: 1, Term: 5, LogTerm: 5, Index: 1000, Commit: 999}
	for i := range entries {
		m.Entries = append(m.Entries, pb.Entry{Term: 5, Index: uint64(1001 + i), Data: make([]byte, bytes)})
	}
	return m
}

func encode(m message) []byte {
	data, err := m.Marshal()
	must(err)
	return data
}

func decode(data []byte) {
	var m pb.Message
	must(m.Unmarshal(data))
}
