// Which requests can be carried out at all, whatever the store holds. Checked before a request is
// proposed; applying only meets requests that passed.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_TXN_CHECK_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_TXN_CHECK_H_

#include <cstddef>

#include "absl/status/status.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {

// Empty keys; a value or lease that is given and to be kept.
absl::Status CheckRange(const etcdserverpb::RangeRequest& request);
absl::Status CheckPut(const etcdserverpb::PutRequest& request);
absl::Status CheckDeleteRange(const etcdserverpb::DeleteRangeRequest& request);

// Transactions within transactions, the outermost counted.
inline constexpr int kMaxTxnDepth = 8;

// Of a whole tree of transactions, both branches everywhere, in this order: how many operations,
// each comparison and operation by itself, then keys that a branch would change twice.
//
// A transaction may have max_ops comparisons, as many operations for success and as many for
// failure; one inside it as many less as the largest of the three lists of its parent has. That
// bounds the depth, but not the work, which doubles with every level: so all comparisons and
// operations of the tree together may be four times max_ops, and kMaxTxnDepth is the deepest.
absl::Status CheckTxn(const etcdserverpb::TxnRequest& request, size_t max_ops);

// Whether it changes nothing on either branch: then it needs no place in the log.
bool IsReadOnly(const etcdserverpb::TxnRequest& request);
// Whether each of its ranges may be answered from local state. Meaningful if it is read-only.
bool IsSerializable(const etcdserverpb::TxnRequest& request);
// Whether some branch puts: what an exceeded quota forbids.
bool HasPut(const etcdserverpb::TxnRequest& request);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_TXN_CHECK_H_
