#include "examples/raftexample/mvcc/store.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "examples/raftexample/proto/errors.h"
#include "raft/check.h"

namespace raftexample {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;

// Under Bucket::kMeta. The first comes from the log; the second says how far the file has followed.
constexpr absl::string_view kCompactedKey = "compacted";
constexpr absl::string_view kCompactionFinishedKey = "compaction_finished";

// A piece of a compaction: how long readers, or flushes, have to wait for it.
constexpr size_t kKeysPerPiece = 2000;
constexpr size_t kChangesPerPiece = 2000;

constexpr int64_t kNever = 0;

absl::Status Damaged(Revision at) {
  return absl::DataLossError(
      absl::StrCat("the store has no readable change at revision ", at.main, "/", at.sub));
}

absl::StatusOr<int64_t> ReadNumber(const Backend& backend, absl::string_view key) {
  absl::StatusOr<std::string> text = backend.GetCommitted(Bucket::kMeta, key);
  if (absl::IsNotFound(text.status())) return kNever;
  if (!text.ok()) return text.status();
  int64_t number;
  if (!absl::SimpleAtoi(*text, &number)) {
    return absl::DataLossError(absl::StrCat("the store has no number at ", key));
  }
  return number;
}

// A key found by a read.
struct Hit {
  Record record;
  int64_t mod_revision;
};

bool WithinBounds(const RangeRequest& request, const Hit& hit) {
  auto within = [](int64_t value, int64_t min, int64_t max) {
    return (min == 0 || value >= min) && (max == 0 || value <= max);
  };
  return within(hit.mod_revision, request.min_mod_revision(), request.max_mod_revision()) &&
         within(hit.record.create_revision, request.min_create_revision(),
                request.max_create_revision());
}

bool HasBounds(const RangeRequest& request) {
  return request.min_mod_revision() != 0 || request.max_mod_revision() != 0 ||
         request.min_create_revision() != 0 || request.max_create_revision() != 0;
}

bool IsInKeyOrder(const RangeRequest& request) {
  return request.sort_target() == RangeRequest::KEY &&
         request.sort_order() != RangeRequest::DESCEND;
}

// `hits` are in the order of their keys, which decides between equals.
void Sort(const RangeRequest& request, std::vector<Hit>& hits) {
  auto sort_by = [&](auto value_of) {
    if (request.sort_order() == RangeRequest::DESCEND) {
      std::stable_sort(hits.begin(), hits.end(),
                       [&](const Hit& a, const Hit& b) { return value_of(b) < value_of(a); });
    } else {
      std::stable_sort(hits.begin(), hits.end(),
                       [&](const Hit& a, const Hit& b) { return value_of(a) < value_of(b); });
    }
  };
  switch (request.sort_target()) {
    case RangeRequest::VERSION: return sort_by([](const Hit& h) { return h.record.version; });
    case RangeRequest::CREATE:
      return sort_by([](const Hit& h) { return h.record.create_revision; });
    case RangeRequest::MOD: return sort_by([](const Hit& h) { return h.mod_revision; });
    case RangeRequest::VALUE: return sort_by([](const Hit& h) { return h.record.value; });
    default: return sort_by([](const Hit& h) { return h.record.key; });
  }
}

}  // namespace

// --- Opening -------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<Store>> Store::Open(Backend* backend, KeyLeases* leases) {
  std::unique_ptr<Store> store(new Store(backend, leases));
  absl::MutexLock lock(&store->index_mutex_);
  if (absl::Status s = store->Load(); !s.ok()) return s;
  return store;
}

absl::Status Store::Replace(absl::FunctionRef<absl::Status()> install) {
  absl::MutexLock piece_lock(&piece_mutex_);
  absl::MutexLock lock(&index_mutex_);
  if (absl::Status s = install(); !s.ok()) return s;
  return Load();
}

absl::Status Store::Load() {
  const absl::StatusOr<int64_t> compacted = ReadNumber(*backend_, kCompactedKey);
  if (!compacted.ok()) return compacted.status();
  const absl::StatusOr<int64_t> finished = ReadNumber(*backend_, kCompactionFinishedKey);
  if (!finished.ok()) return finished.status();

  index_ = KeyIndex();
  int64_t last = std::max(kFirstRevision, *compacted);
  absl::flat_hash_map<std::string, int64_t> lease_of_key;
  absl::Status bad;
  absl::Status scanned = backend_->ScanCommitted(Bucket::kChanges, [&](absl::string_view key,
                                                                       absl::string_view value) {
    const absl::optional<Revision> at = DecodeRevisionKey(key);
    const absl::optional<Record> record = DecodeRecord(value);
    if (!at || !record) {
      bad = Damaged(at.value_or(Revision{}));
      return false;
    }
    index_.Restore(record->key, *at, record->deletes, {record->create_revision, record->version});
    if (record->lease != kNoLease) {
      lease_of_key[record->key] = record->lease;
    } else if (!lease_of_key.empty()) {
      lease_of_key.erase(record->key);
    }
    last = std::max(last, at->main);
    return true;
  });
  if (!scanned.ok()) return scanned;
  if (!bad.ok()) return bad;
  for (const auto& [key, lease] : lease_of_key) leases_->SetLease(key, lease);

  revision_.store(last, std::memory_order_release);
  compacted_.store(*compacted, std::memory_order_release);
  compaction_finished_.store(*finished, std::memory_order_release);
  absl::MutexLock compaction_lock(&compaction_mutex_);
  compaction_ = Compaction{.target = *compacted, .done = *finished == *compacted};
  return absl::OkStatus();
}

// --- Reading -------------------------------------------------------------------------------------

struct Store::Found {
  int64_t now = 0;    // What was current.
  int64_t count = 0;  // Keys in the range.
  // Of those that may be returned, in the order of their keys, and where their records are.
  std::vector<Revision> revisions;
  absl::optional<Backend::View> records;
};

// The view is taken while the index cannot change, so that it has every revision found there; after
// that neither writes nor a compaction can take anything away from it.
absl::StatusOr<Store::Found> Store::Find(const RangeRequest& request,
                                         absl::optional<int64_t> now) const {
  Found found;
  const bool takes_first = IsInKeyOrder(request) && !HasBounds(request) && request.limit() > 0;
  const size_t max = request.count_only() ? 0
                     : takes_first        ? static_cast<size_t>(request.limit())
                                          : SIZE_MAX;
  absl::ReaderMutexLock lock(&index_mutex_);
  found.now = now.value_or(revision());
  const int64_t at = request.revision() > 0 ? request.revision() : found.now;
  if (at > found.now) return errors::kFutureRevision.status();
  if (at < compacted()) return errors::kCompacted.status();
  index_.Visit({request.key(), request.range_end()}, at, [&](absl::string_view, Revision change) {
    ++found.count;
    if (found.revisions.size() < max) found.revisions.push_back(change);
    return true;
  });
  if (found.revisions.empty()) return found;
  absl::StatusOr<Backend::View> records = backend_->Read();
  if (!records.ok()) return records.status();
  found.records = *std::move(records);
  return found;
}

absl::Status Store::RangeAt(const RangeRequest& request, absl::optional<int64_t> now,
                            RangeResponse* response) const {
  absl::StatusOr<Found> found = Find(request, now);
  if (!found.ok()) return found.status();
  response->mutable_header()->set_revision(found->now);
  response->set_count(found->count);
  if (request.count_only()) return absl::OkStatus();

  std::vector<Hit> hits;
  hits.reserve(found->revisions.size());
  for (const Revision& at : found->revisions) {
    absl::StatusOr<absl::string_view> stored = found->records->Get(EncodeRevisionKey(at));
    const absl::optional<Record> record = stored.ok() ? DecodeRecord(*stored) : absl::nullopt;
    if (!record) return Damaged(at);
    const Hit hit{*record, at.main};
    if (WithinBounds(request, hit)) hits.push_back(hit);
  }
  const bool all_found = static_cast<int64_t>(found->revisions.size()) == found->count;
  if (!IsInKeyOrder(request)) Sort(request, hits);
  if (request.limit() > 0 && static_cast<int64_t>(hits.size()) > request.limit()) {
    hits.resize(request.limit());
    response->set_more(true);
  } else {
    response->set_more(!all_found);
  }
  const WithValue with_value = request.keys_only() ? WithValue::kNo : WithValue::kYes;
  response->mutable_kvs()->Reserve(static_cast<int>(hits.size()));
  for (const Hit& hit : hits) {
    ToKeyValue(hit.record, hit.mod_revision, with_value, response->add_kvs());
  }
  return absl::OkStatus();
}

absl::Status Store::Range(const RangeRequest& request, RangeResponse* response) const {
  return RangeAt(request, absl::nullopt, response);
}

absl::Status Store::Reads::Range(const RangeRequest& request, RangeResponse* response) const {
  return store_->RangeAt(request, at_, response);
}

absl::Status Store::Reads::Visit(
    const KeyRange& range,
    absl::FunctionRef<bool(const Record& record, int64_t mod_revision)> visit) const {
  std::vector<Revision> revisions;
  absl::optional<Backend::View> records;
  {
    absl::ReaderMutexLock lock(&store_->index_mutex_);
    if (at_ < store_->compacted()) return errors::kCompacted;
    store_->index_.Visit(range, at_, [&](absl::string_view, Revision change) {
      revisions.push_back(change);
      return true;
    });
    if (revisions.empty()) return absl::OkStatus();
    absl::StatusOr<Backend::View> view = store_->backend_->Read();
    if (!view.ok()) return view.status();
    records = *std::move(view);
  }
  for (const Revision& at : revisions) {
    absl::StatusOr<absl::string_view> stored = records->Get(EncodeRevisionKey(at));
    const absl::optional<Record> record = stored.ok() ? DecodeRecord(*stored) : absl::nullopt;
    if (!record) return Damaged(at);
    if (!visit(*record, at.main)) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<mvccpb::KeyValue> Store::Get(absl::string_view key, int64_t revision) const {
  absl::optional<mvccpb::KeyValue> kv;
  absl::Status s =
      Reads(this, revision).Visit({key, ""}, [&](const Record& record, int64_t mod_revision) {
        ToKeyValue(record, mod_revision, WithValue::kYes, &kv.emplace());
        return false;
      });
  if (!s.ok()) return s;
  if (!kv) return absl::NotFoundError("the key did not live");
  return *std::move(kv);
}

absl::Status Store::Changes(int64_t first,
                            absl::FunctionRef<bool(const Change& change)> visit) const {
  absl::optional<Backend::View> view;
  int64_t last;
  {
    absl::ReaderMutexLock lock(&index_mutex_);
    if (first < compacted()) return errors::kCompacted;
    last = revision();
    absl::StatusOr<Backend::View> records = backend_->Read();
    if (!records.ok()) return records.status();
    view = *std::move(records);
  }
  absl::Status bad;
  absl::Status scanned = view->Scan(EncodeRevisionKey({first, 0}),
                                    [&](absl::string_view key, absl::string_view stored) {
                                      const absl::optional<Revision> at = DecodeRevisionKey(key);
                                      if (!at) bad = Damaged({});
                                      return at && at->main <= last && visit({*at, stored});
                                    });
  return scanned.ok() ? bad : scanned;
}

size_t Store::key_count() const {
  absl::ReaderMutexLock lock(&index_mutex_);
  return index_.key_count();
}

absl::StatusOr<Store::Hash> Store::HashKv(int64_t revision) const {
  while (true) {
    absl::StatusOr<Hash> hash = TryHashKv(revision);
    // A compaction that begins in the middle takes away what the hash asks the index for.
    if (!hash.ok() || hash->compacted == compacted()) return hash;
  }
}

absl::StatusOr<Store::Hash> Store::TryHashKv(int64_t revision) const {
  Hash hash;
  absl::optional<Backend::View> view;
  {
    absl::ReaderMutexLock lock(&index_mutex_);
    hash.compacted = compacted();
    hash.revision = revision > 0 ? revision : this->revision();
    if (hash.revision > this->revision()) return errors::kFutureRevision.status();
    if (revision > 0 && revision <= hash.compacted) return errors::kCompacted.status();
    absl::StatusOr<Backend::View> records = backend_->Read();
    if (!records.ok()) return records.status();
    view = *std::move(records);
  }
  // Begins with a name, so that nothing, too, has a hash: clients take 0 for none.
  auto add = [&](absl::string_view bytes) {
    hash.hash = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())),
                            static_cast<int>(bytes.size()), hash.hash);
  };
  add("key");
  absl::Status bad;
  absl::Status scanned = view->Scan("", [&](absl::string_view key, absl::string_view stored) {
    const absl::optional<Revision> at = DecodeRevisionKey(key);
    const absl::optional<Record> record = DecodeRecord(stored);
    if (!at || !record) {
      bad = Damaged(at.value_or(Revision{}));
      return false;
    }
    if (at->main > hash.revision) return false;
    if (at->main <= hash.compacted) {
      // Whether the file still has what the compaction made unreachable must not show.
      absl::ReaderMutexLock lock(&index_mutex_);
      const KeyHistory* history = index_.Find(record->key);
      if (history == nullptr || !history->Survives(*at, hash.compacted)) return true;
    }
    add(key);
    add(stored);
    return true;
  });
  if (!scanned.ok()) return scanned;
  if (!bad.ok()) return bad;
  return hash;
}

// --- Writing -------------------------------------------------------------------------------------

Store::Write::Write(Store* store) : store_(store) {}

Store::Write::~Write() { RAFT_CHECK(finished_) << "a transaction was not finished"; }

int64_t Store::Write::revision() const { return store_->revision() + (changes_.empty() ? 0 : 1); }

Revision Store::Write::NextRevision() const {
  return {store_->revision() + 1, static_cast<uint32_t>(changes_.size())};
}

absl::optional<mvccpb::KeyValue> Store::Write::Get(absl::string_view key) const {
  absl::StatusOr<mvccpb::KeyValue> kv = store_->Get(key, revision());
  if (kv.ok()) return *std::move(kv);
  RAFT_CHECK(absl::IsNotFound(kv.status())) << "while applying: " << kv.status().ToString();
  return absl::nullopt;
}

void Store::Write::Put(const etcdserverpb::PutRequest& request,
                       etcdserverpb::PutResponse* response) {
  const bool wants_previous = request.prev_kv() && response != nullptr;
  absl::optional<mvccpb::KeyValue> previous;
  if (wants_previous || request.ignore_value() || request.ignore_lease()) {
    previous = Get(request.key());
    RAFT_CHECK(previous || wants_previous) << "nothing to keep of a key that does not live";
  }
  Record record{.key = request.key(), .value = request.value(), .lease = request.lease()};
  if (request.ignore_value()) record.value = previous->value();
  if (request.ignore_lease()) record.lease = previous->lease();

  const Revision at = NextRevision();
  {
    absl::MutexLock lock(&store_->index_mutex_);
    const KeyHistory::Life life = store_->index_.Put(record.key, at);
    record.create_revision = life.create_revision;
    record.version = life.version;
  }
  changes_.push_back({at, store_->backend_->Append(EncodeRevisionKey(at), EncodeRecord(record))});
  store_->leases_->SetLease(record.key, record.lease);

  if (response == nullptr) return;
  response->mutable_header()->set_revision(at.main);
  if (wants_previous && previous) *response->mutable_prev_kv() = *std::move(previous);
}

void Store::Write::DeleteRange(const etcdserverpb::DeleteRangeRequest& request,
                               etcdserverpb::DeleteRangeResponse* response) {
  std::vector<std::string> keys;
  {
    absl::ReaderMutexLock lock(&store_->index_mutex_);
    store_->index_.Visit({request.key(), request.range_end()}, revision(),
                         [&](absl::string_view key, Revision) {
                           keys.emplace_back(key);
                           return true;
                         });
  }
  if (response != nullptr && request.prev_kv() && !keys.empty()) {
    absl::Status s = reads().Visit(
        {request.key(), request.range_end()}, [&](const Record& record, int64_t mod_revision) {
          ToKeyValue(record, mod_revision, WithValue::kYes, response->add_prev_kvs());
          return true;
        });
    RAFT_CHECK(s.ok()) << "while applying: " << s.ToString();
  }
  Delete(keys);
  if (response == nullptr) return;
  response->set_deleted(static_cast<int64_t>(keys.size()));
  response->mutable_header()->set_revision(revision());
}

void Store::Write::Delete(absl::Span<const std::string> keys) {
  for (const std::string& key : keys) DeleteOne(key);
}

void Store::Write::DeleteOne(absl::string_view key) {
  const Revision at = NextRevision();
  {
    absl::MutexLock lock(&store_->index_mutex_);
    store_->index_.Delete(key, at);
  }
  const Record record{.deletes = true, .key = key};
  changes_.push_back({at, store_->backend_->Append(EncodeRevisionKey(at), EncodeRecord(record))});
  store_->leases_->SetLease(key, kNoLease);
}

void Store::Write::Finish() {
  finished_ = true;
  if (changes_.empty()) return;
  absl::MutexLock lock(&store_->index_mutex_);
  store_->revision_.fetch_add(1, std::memory_order_acq_rel);
}

// --- Compaction ----------------------------------------------------------------------------------

absl::Status Store::CheckCompaction(int64_t revision) const {
  if (revision <= compacted()) return errors::kCompacted;
  if (revision > this->revision()) return errors::kFutureRevision;
  return absl::OkStatus();
}

absl::Status Store::Compact(int64_t revision) {
  if (absl::Status s = CheckCompaction(revision); !s.ok()) return s;
  {
    absl::MutexLock lock(&index_mutex_);
    compacted_.store(revision, std::memory_order_release);
  }
  backend_->Put(Bucket::kMeta, kCompactedKey, absl::StrCat(revision));
  absl::MutexLock lock(&compaction_mutex_);
  compaction_ = Compaction{.target = revision};
  return absl::OkStatus();
}

bool Store::CompactionFinished() const {
  return compaction_finished_.load(std::memory_order_acquire) == compacted();
}

// Works on a copy of where it stands, so that nobody waits for a piece. When a new compaction has
// begun in the meantime, that one starts from the beginning and includes all of this one.
absl::StatusOr<bool> Store::CompactSome() {
  absl::MutexLock piece_lock(&piece_mutex_);
  Compaction state;
  {
    absl::MutexLock lock(&compaction_mutex_);
    if (compaction_.done || compaction_.target == kNever) return false;
    state = compaction_;
  }
  if (state.index_done) {
    // What the compaction removes must be in the file before it can be removed from there, and the
    // compaction itself before anything is missing.
    const absl::StatusOr<int64_t> flushed = ReadNumber(*backend_, kCompactedKey);
    if (!flushed.ok()) return flushed.status();
    if (*flushed < state.target) return false;
  }
  absl::Status s = state.index_done ? CompactBackend(state) : CompactIndex(state);
  if (!s.ok()) return s;
  absl::MutexLock lock(&compaction_mutex_);
  if (compaction_.target == state.target) compaction_ = state;
  return !compaction_.done;
}

absl::Status Store::CompactIndex(Compaction& state) {
  absl::MutexLock lock(&index_mutex_);
  absl::optional<std::string> next =
      index_.CompactSome(state.target, state.next_key, kKeysPerPiece);
  state.index_done = !next;
  state.next_key = next.value_or("");
  return absl::OkStatus();
}

absl::Status Store::CompactBackend(Compaction& state) {
  absl::StatusOr<Backend::View> view = backend_->Read();
  if (!view.ok()) return view.status();
  std::vector<std::string> obsolete;
  size_t visited = 0;
  absl::Status bad;
  bool at_end = true;
  absl::Status scanned =
      view->Scan(state.next_change, [&](absl::string_view key, absl::string_view stored) {
        const absl::optional<Revision> at = DecodeRevisionKey(key);
        const absl::optional<Record> record = DecodeRecord(stored);
        if (!at || !record) {
          bad = Damaged(at.value_or(Revision{}));
          return false;
        }
        if (at->main > state.target) return false;
        if (visited++ == kChangesPerPiece) {
          state.next_change = std::string(key);
          at_end = false;
          return false;
        }
        absl::ReaderMutexLock lock(&index_mutex_);
        const KeyHistory* history = index_.Find(record->key);
        if (history == nullptr || !history->Survives(*at, state.target)) {
          obsolete.emplace_back(key);
        }
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (!bad.ok()) return bad;
  if (absl::Status s = backend_->Trim(obsolete); !s.ok() || !at_end) return s;
  absl::Status s =
      backend_->PutNow(Bucket::kMeta, kCompactionFinishedKey, absl::StrCat(state.target));
  if (!s.ok()) return s;
  state.done = true;
  compaction_finished_.store(state.target, std::memory_order_release);
  return absl::OkStatus();
}

}  // namespace raftexample
