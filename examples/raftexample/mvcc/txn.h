// Transactions: if these comparisons hold then those operations, else the others, at one revision.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_TXN_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_TXN_H_

#include "absl/status/status.h"
#include "examples/raftexample/mvcc/key_leases.h"
#include "examples/raftexample/mvcc/store.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {

// Carries out a transaction that CheckTxn() accepted, on behalf of the writer.
//
// All comparisons of the tree are evaluated against the state before it, also those of transactions
// inside; then the operations run in order and see each other's changes. Whatever can fail is found
// before the first change, along the branches taken: a read at a revision that is compacted or that
// there is not yet (the one that is about to be made among them), a lease that does not exist, a
// value or lease to be kept of a key that is not there. Every member finds the same, whether it has
// to answer or not: so the fate of a transaction never depends on who asks.
//
// `response` may be null when nobody will read it; reads are then checked and left out.
absl::Status ExecuteTxn(const etcdserverpb::TxnRequest& request, const KeyLeases& leases,
                        Store::Write& write, etcdserverpb::TxnResponse* response);

// A transaction that IsReadOnly(), on any thread: as of one revision.
absl::Status ReadTxn(const etcdserverpb::TxnRequest& request, const Store& store,
                     etcdserverpb::TxnResponse* response);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_TXN_H_
