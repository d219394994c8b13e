// etcdserverpb.KV: keys.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_KV_SERVICE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_KV_SERVICE_H_

#include "examples/raftexample/api/answering.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/rpc/server.h"

namespace raftexample {

// Requests are checked for what can be known without looking at the store; then they are read here
// or go through the log.
class KvService {
 public:
  explicit KvService(const ApiContext& api) : api_(api) {}
  void AddTo(rpc::Server& server);

 private:
  using RangeCall = rpc::UnaryCall<etcdserverpb::RangeRequest, etcdserverpb::RangeResponse>;
  using PutCall = rpc::UnaryCall<etcdserverpb::PutRequest, etcdserverpb::PutResponse>;
  using DeleteRangeCall =
      rpc::UnaryCall<etcdserverpb::DeleteRangeRequest, etcdserverpb::DeleteRangeResponse>;
  using TxnCall = rpc::UnaryCall<etcdserverpb::TxnRequest, etcdserverpb::TxnResponse>;
  using CompactCall =
      rpc::UnaryCall<etcdserverpb::CompactionRequest, etcdserverpb::CompactionResponse>;

  void Range(RangeCall* call);
  void Put(PutCall* call);
  void DeleteRange(DeleteRangeCall* call);
  void Txn(TxnCall* call);
  void Compact(CompactCall* call);

  // Where a read is carried out: what is small is read where it is answered.
  enum class Size { kSmall, kAny };
  // Reads when the state here is recent enough for the call.
  template <typename Call, typename Read>
  void ReadAndReply(Call* call, bool serializable, Size size, Read read);

  const ApiContext api_;
  etcdserverpb::KV::AsyncService service_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_KV_SERVICE_H_
