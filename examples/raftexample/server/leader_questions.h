// Questions that only the leader can answer, asked again while leaders come and go.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_LEADER_QUESTIONS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_LEADER_QUESTIONS_H_

#include <functional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "examples/raftexample/proto/errors.h"
#include "raftpb/ids.h"

namespace raftexample {

// Thread-safe. For questions that may be asked twice: whether the first was answered is not known
// when its answer is lost.
class LeaderQuestions {
 public:
  template <typename Answer>
  using Done = std::function<void(absl::StatusOr<Answer>)>;
  // Asks this leader, which may be ourselves.
  template <typename Answer>
  using Ask = std::function<void(raftpb::NodeId leader, Done<Answer> done)>;

  // `leader` tells who leads now, as far as is known here; kNone while nobody does.
  explicit LeaderQuestions(std::function<raftpb::NodeId()> leader) : leader_(std::move(leader)) {}

  // Done exactly once: with an answer, with an error that another attempt would not change, or
  // after the deadline with kNoLeader or kTimeout.
  template <typename Answer>
  void Put(absl::Time deadline, Ask<Answer> ask, Done<Answer> done) {
    const raftpb::NodeId leader = leader_();
    auto again = [this, deadline, ask, done] { Put(deadline, ask, done); };
    auto give_up = [done](const absl::Status& why) { done(why); };
    if (leader == raftpb::kNone) return Postpone({deadline, std::move(again), std::move(give_up)});
    ask(leader, [this, deadline, again = std::move(again), give_up = std::move(give_up),
                 done](absl::StatusOr<Answer> answer) {
      if (!MayChange(answer.status())) return done(std::move(answer));
      Postpone({deadline, again, give_up});
    });
  }

  // Asks those again whose time has not come. To be called now and then.
  void Repeat(absl::Time now) {
    std::vector<Question> postponed;
    {
      absl::MutexLock lock(&mutex_);
      postponed.swap(postponed_);
    }
    for (Question& question : postponed) {
      if (question.deadline > now) {
        question.again();
      } else {
        question.give_up(leader_() == raftpb::kNone ? errors::kNoLeader : errors::kTimeout);
      }
    }
  }

  // Ends all, and from now on everybody who would have to wait.
  void Close(const absl::Status& why) {
    std::vector<Question> postponed;
    {
      absl::MutexLock lock(&mutex_);
      closed_ = why;
      postponed.swap(postponed_);
    }
    for (Question& question : postponed) question.give_up(why);
  }

 private:
  struct Question {
    absl::Time deadline;
    std::function<void()> again;
    std::function<void(const absl::Status& why)> give_up;
  };

  // Somebody else leads, or the one who did cannot be reached.
  static bool MayChange(const absl::Status& status) {
    return absl::IsUnavailable(status) || errors::kNotLeader.Is(status);
  }

  void Postpone(Question question) {
    absl::Status closed;
    {
      absl::MutexLock lock(&mutex_);
      closed = closed_;
      if (closed.ok()) postponed_.push_back(std::move(question));
    }
    if (!closed.ok()) question.give_up(closed);
  }

  const std::function<raftpb::NodeId()> leader_;
  absl::Mutex mutex_;
  std::vector<Question> postponed_ ABSL_GUARDED_BY(mutex_);
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_LEADER_QUESTIONS_H_
