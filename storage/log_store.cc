#include "storage/log_store.h"

#include <utility>

#include "storage/log_store_impl.h"

namespace storage {

// The rooms behind this door are listed in log_store_impl.h.

LogStore::LogStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogStore::~LogStore() = default;

absl::StatusOr<std::unique_ptr<LogStore>> LogStore::Create(FileSystem& fs, std::string directory,
                                                           const LogOptions& options) {
  auto impl = std::make_unique<Impl>(fs, std::move(directory), options);
  if (absl::Status s = impl->Create(); !s.ok()) return s;
  return std::unique_ptr<LogStore>(new LogStore(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<LogStore>> LogStore::Open(FileSystem& fs, std::string directory,
                                                         const LogOptions& options) {
  auto impl = std::make_unique<Impl>(fs, std::move(directory), options);
  if (absl::Status s = impl->Open(); !s.ok()) return s;
  return std::unique_ptr<LogStore>(new LogStore(std::move(impl)));
}

absl::Status LogStore::Write(const LogBatch& batch) { return impl_->Write(batch); }
absl::Status LogStore::Stage(const LogBatch& batch) { return impl_->Stage(batch); }
absl::Status LogStore::Close() { return impl_->Close(); }
absl::Status LogStore::Purge() { return impl_->Purge(); }

absl::optional<LogStore::GroupState> LogStore::Find(GroupId group) const {
  return impl_->Find(group);
}
std::vector<GroupId> LogStore::Groups() const { return impl_->GroupIds(); }
absl::StatusOr<raftpb::EntryList> LogStore::Entries(GroupId group, raft::IndexRange wanted,
                                                    uint64_t max_bytes) const {
  return impl_->Entries(group, wanted, max_bytes);
}
absl::StatusOr<raft::Term> LogStore::TermAt(GroupId group, raft::Index index) const {
  return impl_->TermAt(group, index);
}
raft::Index LogStore::FirstIndex(GroupId group) const { return impl_->Bounds(group).begin; }
raft::Index LogStore::LastIndex(GroupId group) const { return impl_->Bounds(group).end - 1; }

const OpenReport& LogStore::report() const { return impl_->report(); }
const LogOptions& LogStore::options() const { return impl_->options(); }
absl::Status LogStore::status() const { return impl_->status(); }
LogStats LogStore::stats() const { return impl_->stats(); }

}  // namespace storage
