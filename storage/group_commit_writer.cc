#include "storage/group_commit_writer.h"

#include <utility>

namespace storage {

GroupCommitWriter::GroupCommitWriter(LogStore& log, const Options& options)
    : log_(log), options_(options), thread_([this] { Run(); }) {}

GroupCommitWriter::~GroupCommitWriter() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void GroupCommitWriter::Submit(LogBatch batch, Done done) {
  Submit(Waiting{std::move(batch), true, std::move(done)});
}

void GroupCommitWriter::SubmitUnsynced(LogBatch batch, Done done) {
  Submit(Waiting{std::move(batch), false, std::move(done)});
}

void GroupCommitWriter::Submit(Waiting waiting) {
  const auto has_room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return queued_bytes_ <= options_.max_queued_bytes;
  };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&has_room));
  queued_bytes_ += waiting.batch.payload_bytes();
  ++submitted_;
  queue_.push_back(std::move(waiting));
}

void GroupCommitWriter::Flush() {
  absl::MutexLock lock(&mutex_);
  const uint64_t until = submitted_;
  const auto reached = [this, until]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return completed_ >= until; };
  mutex_.Await(absl::Condition(&reached));
}

absl::Status GroupCommitWriter::status() const {
  absl::MutexLock lock(&mutex_);
  return error_;
}

// Waits for work. False when there will be none. Takes what waits, up to the limit, as one batch.
// What need not be synced ends it: it must not be written before what came earlier, and must not
// wait for a sync of its own.
bool GroupCommitWriter::Take(LogBatch& batch, std::vector<Part>& parts, bool& sync) {
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  };
  batch.Clear();
  parts.clear();
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&has_work));
  if (queue_.empty()) return false;
  sync = queue_.front().sync;
  do {
    Waiting& next = queue_.front();
    queued_bytes_ -= next.batch.payload_bytes();
    parts.push_back({next.batch.size(), std::move(next.done), absl::OkStatus()});
    batch.Add(next.batch);
    queue_.pop_front();
  } while (!queue_.empty() && queue_.front().sync == sync &&
           batch.payload_bytes() + queue_.front().batch.payload_bytes() <=
               options_.max_batch_bytes);
  return true;
}

absl::Status GroupCommitWriter::Store(const LogBatch& batch, bool sync) {
  if (absl::Status before = status(); !before.ok()) return before;
  const absl::Status status = sync ? log_.Write(batch) : log_.Stage(batch);
  if (status.ok() || absl::IsInvalidArgument(status)) return status;
  absl::MutexLock lock(&mutex_);
  error_ = status;
  return status;
}

// Together if all parts are sound; else, which should not happen, each for itself: nothing has been
// written yet, and what one got wrong is no fault of the others.
void GroupCommitWriter::Store(const LogBatch& batch, bool sync, std::vector<Part>& parts) {
  const absl::Status together = Store(batch, sync);
  const bool alone = absl::IsInvalidArgument(together) && parts.size() > 1;
  size_t first = 0;
  for (Part& part : parts) {
    part.status = alone ? Store(batch.Slice(first, part.changes), sync) : together;
    first += part.changes;
  }
}

void GroupCommitWriter::Run() {
  LogBatch batch;
  std::vector<Part> parts;
  for (bool sync = true; Take(batch, parts, sync);) {
    Store(batch, sync, parts);
    for (Part& part : parts) part.done(part.status);
    absl::MutexLock lock(&mutex_);
    completed_ += parts.size();
  }
}

}  // namespace storage
