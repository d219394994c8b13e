//go:build !v3_6

package main

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// What v3.7 has as pointers, and earlier versions as values.

type message = *pb.Message

func founded(voters []uint64) *raft.MemoryStorage {
	storage := raft.NewMemoryStorage()
	must(storage.ApplySnapshot(&pb.Snapshot{Metadata: &pb.SnapshotMetadata{
		Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &pb.ConfState{Voters: voters},
	}}))
	must(storage.SetHardState(&pb.HardState{Term: new(uint64(1)), Commit: new(uint64(1))}))
	return storage
}

func target(m message) uint64 { return m.GetTo() }

func anAppend(entries, bytes int) message {
	m := &pb.Message{
		Type: pb.MsgApp.Enum(), To: new(uint64(2)), From: new(uint64(1)), Term: new(uint64(5)),
		LogTerm: new(uint64(5)), Index: new(uint64(1000)), Commit: new(uint64(999)),
	}
	for i := range entries {
		m.Entries = append(m.Entries, &pb.Entry{
			Term: new(uint64(5)), Index: new(uint64(1001 + i)), Data: make([]byte, bytes),
		})
	}
	return m
}

func encode(m message) []byte {
	data, err := proto.Marshal(m)
	must(err)
	return data
}

func decode(data []byte) {
	var m pb.Message
	must(proto.Unmarshal(data, &m))
}
