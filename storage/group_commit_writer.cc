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

// Takes what waits, up to the limit, as one batch. What need not be synced ends it: it must not be
// written before what came earlier, and must not wait for a sync of its own.
void GroupCommitWriter::Run() {
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  };
  std::vector<Done> covered;
  LogBatch batch;
  while (true) {
    bool sync = true;
    absl::Status status;
    covered.clear();
    batch.Clear();
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (queue_.empty()) return;
      sync = queue_.front().sync;
      do {
        Waiting& next = queue_.front();
        queued_bytes_ -= next.batch.payload_bytes();
        batch.Add(next.batch);
        covered.push_back(std::move(next.done));
        queue_.pop_front();
      } while (!queue_.empty() && queue_.front().sync == sync &&
               batch.payload_bytes() + queue_.front().batch.payload_bytes() <=
                   options_.max_batch_bytes);
      status = error_;
    }
    if (status.ok()) status = sync ? log_.Write(batch) : log_.Stage(batch);
    if (!status.ok()) {
      absl::MutexLock lock(&mutex_);
      if (error_.ok()) error_ = status;
    }
    for (Done& done : covered) done(status);
    absl::MutexLock lock(&mutex_);
    completed_ += covered.size();
  }
}

}  // namespace storage
