// A key space that is plainly right: a std::map for each revision there ever was, and the rules of
// the API written down without a thought for speed. Tests hold the real one against it.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_MODEL_STORE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_MODEL_STORE_H_

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "examples/raftexample/mvcc/key_leases.h"
#include "examples/raftexample/mvcc/key_range.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {

// Leases that exist because a test says so.
class ModelLeases : public KeyLeases {
 public:
  std::set<int64_t> existing;
  std::map<std::string, int64_t> lease_of_key;

  bool Exists(int64_t lease) const override { return existing.count(lease) > 0; }
  void SetLease(absl::string_view key, int64_t lease) override {
    lease_of_key.erase(std::string(key));
    if (lease != kNoLease) lease_of_key[std::string(key)] = lease;
  }
};

class ModelStore {
 public:
  using State = std::map<std::string, mvccpb::KeyValue>;

  int64_t revision() const { return states_.rbegin()->first; }
  int64_t compacted() const { return compacted_; }
  const State& now() const { return states_.rbegin()->second; }
  const State& At(int64_t revision) const { return states_.at(revision); }
  // Every change, in order; of deletes only key and mod_revision are set.
  const std::vector<mvccpb::Event>& events() const { return events_; }

  absl::Status Range(const etcdserverpb::RangeRequest& request,
                     etcdserverpb::RangeResponse* response) const {
    const int64_t at = request.revision() > 0 ? request.revision() : revision();
    if (at > revision()) return errors::kFutureRevision;
    if (at < compacted_) return errors::kCompacted;
    RangeIn(states_.at(at), revision(), request, response);
    return absl::OkStatus();
  }

  absl::Status Compact(int64_t at) {
    if (at <= compacted_) return errors::kCompacted;
    if (at > revision()) return errors::kFutureRevision;
    compacted_ = at;
    return absl::OkStatus();
  }

  // Single requests are transactions of one operation.
  absl::Status Put(const etcdserverpb::PutRequest& request, const KeyLeases& leases,
                   etcdserverpb::PutResponse* response) {
    etcdserverpb::TxnRequest txn;
    *txn.add_success()->mutable_request_put() = request;
    etcdserverpb::TxnResponse answer;
    absl::Status s = Txn(txn, leases, &answer);
    if (s.ok()) *response = answer.responses(0).response_put();
    return s;
  }
  void DeleteRange(const etcdserverpb::DeleteRangeRequest& request,
                   etcdserverpb::DeleteRangeResponse* response) {
    etcdserverpb::TxnRequest txn;
    *txn.add_success()->mutable_request_delete_range() = request;
    etcdserverpb::TxnResponse answer;
    Txn(txn, ModelLeases(), &answer).IgnoreError();
    *response = answer.responses(0).response_delete_range();
  }

  absl::Status Txn(const etcdserverpb::TxnRequest& request, const KeyLeases& leases,
                   etcdserverpb::TxnResponse* response) {
    Running run{this, now(), {}, &leases};
    absl::Status s = run.CheckPuts(request);
    if (s.ok()) s = run.CheckRanges(request);
    if (!s.ok()) return s;
    run.Execute(request, response);
    response->mutable_header()->set_revision(run.visible());
    if (!run.changes.empty()) {
      states_[revision() + 1] = std::move(run.state);
      events_.insert(events_.end(), run.changes.begin(), run.changes.end());
    }
    return absl::OkStatus();
  }

 private:
  struct Running {
    ModelStore* model;
    State state;
    std::vector<mvccpb::Event> changes;
    const KeyLeases* leases;

    const State& before() const { return model->now(); }
    int64_t visible() const { return model->revision() + (changes.empty() ? 0 : 1); }
    int64_t next() const { return model->revision() + 1; }

    bool Holds(const etcdserverpb::Compare& c) const {
      using etcdserverpb::Compare;
      auto one = [&](const mvccpb::KeyValue& kv) {
        int order;
        auto cmp = [](auto a, auto b) { return a < b ? -1 : a > b ? 1 : 0; };
        switch (c.target()) {
          case Compare::VERSION: order = cmp(kv.version(), c.version()); break;
          case Compare::CREATE: order = cmp(kv.create_revision(), c.create_revision()); break;
          case Compare::MOD: order = cmp(kv.mod_revision(), c.mod_revision()); break;
          case Compare::LEASE: order = cmp(kv.lease(), c.lease()); break;
          default: order = kv.value().compare(c.value());
        }
        switch (c.result()) {
          case Compare::EQUAL: return order == 0;
          case Compare::GREATER: return order > 0;
          case Compare::LESS: return order < 0;
          default: return order != 0;
        }
      };
      bool any = false;
      for (const auto& [key, kv] : before()) {
        if (!KeyRange{c.key(), c.range_end()}.Contains(key)) continue;
        any = true;
        if (!one(kv)) return false;
      }
      return any || (c.target() != Compare::VALUE && one(mvccpb::KeyValue()));
    }
    const google::protobuf::RepeatedPtrField<etcdserverpb::RequestOp>& Branch(
        const etcdserverpb::TxnRequest& txn) const {
      return Succeeds(txn) ? txn.success() : txn.failure();
    }
    bool Succeeds(const etcdserverpb::TxnRequest& txn) const {
      return std::all_of(txn.compare().begin(), txn.compare().end(),
                         [&](const auto& c) { return Holds(c); });
    }
    absl::Status CheckPuts(const etcdserverpb::TxnRequest& txn) const {
      for (const auto& op : Branch(txn)) {
        if (op.has_request_txn()) {
          if (absl::Status s = CheckPuts(op.request_txn()); !s.ok()) return s;
        } else if (op.has_request_put()) {
          const etcdserverpb::PutRequest& put = op.request_put();
          if ((put.ignore_value() || put.ignore_lease()) && before().count(put.key()) == 0) {
            return errors::kKeyNotFound;
          }
          if (put.lease() != 0 && !leases->Exists(put.lease())) return errors::kLeaseNotFound;
        }
      }
      return absl::OkStatus();
    }
    absl::Status CheckRanges(const etcdserverpb::TxnRequest& txn) const {
      for (const auto& op : Branch(txn)) {
        if (op.has_request_txn()) {
          if (absl::Status s = CheckRanges(op.request_txn()); !s.ok()) return s;
        } else if (op.has_request_range()) {
          const int64_t at = op.request_range().revision();
          if (at > model->revision()) return errors::kFutureRevision;
          if (at > 0 && at < model->compacted_) return errors::kCompacted;
        }
      }
      return absl::OkStatus();
    }
    void Execute(const etcdserverpb::TxnRequest& txn, etcdserverpb::TxnResponse* response) {
      response->set_succeeded(Succeeds(txn));
      for (const auto& op : Branch(txn)) {
        auto* answer = response->add_responses();
        if (op.has_request_put()) {
          Put(op.request_put(), answer->mutable_response_put());
        } else if (op.has_request_delete_range()) {
          Delete(op.request_delete_range(), answer->mutable_response_delete_range());
        } else if (op.has_request_range()) {
          const auto& range = op.request_range();
          RangeIn(range.revision() > 0 ? model->states_.at(range.revision()) : state, visible(),
                  range, answer->mutable_response_range());
        } else {
          answer->mutable_response_txn()->mutable_header();
          Execute(op.request_txn(), answer->mutable_response_txn());
        }
      }
    }
    void Put(const etcdserverpb::PutRequest& put, etcdserverpb::PutResponse* response) {
      const auto old = state.find(put.key());
      mvccpb::KeyValue kv;
      kv.set_key(put.key());
      kv.set_create_revision(old == state.end() ? next() : old->second.create_revision());
      kv.set_version(old == state.end() ? 1 : old->second.version() + 1);
      kv.set_mod_revision(next());
      kv.set_value(put.ignore_value() ? old->second.value() : put.value());
      kv.set_lease(put.ignore_lease() ? old->second.lease() : put.lease());
      if (put.prev_kv() && old != state.end()) *response->mutable_prev_kv() = old->second;
      state[put.key()] = kv;
      mvccpb::Event event;
      *event.mutable_kv() = kv;
      changes.push_back(event);
      response->mutable_header()->set_revision(next());
    }
    void Delete(const etcdserverpb::DeleteRangeRequest& request,
                etcdserverpb::DeleteRangeResponse* response) {
      for (auto it = state.begin(); it != state.end();) {
        if (!KeyRange{request.key(), request.range_end()}.Contains(it->first)) {
          ++it;
          continue;
        }
        if (request.prev_kv()) *response->add_prev_kvs() = it->second;
        response->set_deleted(response->deleted() + 1);
        mvccpb::Event event;
        event.set_type(mvccpb::Event::DELETE);
        event.mutable_kv()->set_key(it->first);
        event.mutable_kv()->set_mod_revision(next());
        changes.push_back(event);
        it = state.erase(it);
      }
      response->mutable_header()->set_revision(visible());
    }
  };

  static void RangeIn(const State& state, int64_t header_revision,
                      const etcdserverpb::RangeRequest& r, etcdserverpb::RangeResponse* response) {
    using etcdserverpb::RangeRequest;
    response->mutable_header()->set_revision(header_revision);
    std::vector<mvccpb::KeyValue> kvs;
    for (const auto& [key, kv] : state) {
      if (!KeyRange{r.key(), r.range_end()}.Contains(key)) continue;
      response->set_count(response->count() + 1);
      auto within = [](int64_t v, int64_t min, int64_t max) {
        return (min == 0 || v >= min) && (max == 0 || v <= max);
      };
      if (within(kv.mod_revision(), r.min_mod_revision(), r.max_mod_revision()) &&
          within(kv.create_revision(), r.min_create_revision(), r.max_create_revision())) {
        kvs.push_back(kv);
      }
    }
    if (r.count_only()) return;
    auto sort_by = [&](auto value_of) {
      std::stable_sort(kvs.begin(), kvs.end(), [&](const auto& a, const auto& b) {
        return r.sort_order() == RangeRequest::DESCEND ? value_of(b) < value_of(a)
                                                       : value_of(a) < value_of(b);
      });
    };
    switch (r.sort_target()) {
      case RangeRequest::VERSION: sort_by([](const auto& kv) { return kv.version(); }); break;
      case RangeRequest::CREATE:
        sort_by([](const auto& kv) { return kv.create_revision(); });
        break;
      case RangeRequest::MOD: sort_by([](const auto& kv) { return kv.mod_revision(); }); break;
      case RangeRequest::VALUE: sort_by([](const auto& kv) { return kv.value(); }); break;
      default: sort_by([](const auto& kv) { return kv.key(); });
    }
    if (r.limit() > 0 && kvs.size() > static_cast<size_t>(r.limit())) {
      kvs.resize(r.limit());
      response->set_more(true);
    }
    for (mvccpb::KeyValue& kv : kvs) {
      if (r.keys_only()) kv.clear_value();
      *response->add_kvs() = kv;
    }
  }

  std::map<int64_t, State> states_ = {{1, State()}};
  std::vector<mvccpb::Event> events_;
  int64_t compacted_ = 0;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_MODEL_STORE_H_
