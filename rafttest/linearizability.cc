#include "rafttest/linearizability.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "raft/check.h"

namespace rafttest {
namespace {

using Verdict = LinearizabilityResult::Verdict;
using StateId = uint32_t;
using Positions = absl::InlinedVector<uint32_t, 4>;  // Ascending.

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();
constexpr uint32_t kNoParent = std::numeric_limits<uint32_t>::max();
constexpr StateId kInitially = 0;
constexpr StateId kImpossible = std::numeric_limits<StateId>::max();

bool Contains(const Positions& sorted, uint32_t position) {
  return std::binary_search(sorted.begin(), sorted.end(), position);
}

Positions With(Positions sorted, uint32_t position) {
  sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), position), position);
  return sorted;
}

// Which operations have happened, apart from the optional ones, and what that led to. Since
// only operations that overlap can change places, those that happened are nearly a beginning.
struct Configuration {
  uint32_t first = 0;  // The first that has not happened, in order of their calls.
  Positions ahead;     // Those behind it that have.
  StateId state = 0;

  friend bool operator==(const Configuration&, const Configuration&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Configuration& c) {
    return H::combine(std::move(h), c.first, c.ahead, c.state);
  }
};

struct Node {
  Configuration configuration;
  Positions used;  // Optional operations that happened.
  uint32_t parent = kNoParent;
  uint32_t operation = 0;  // The last that happened: its position in the history of the key.
};

// The search for one key. Operations are named by their place in `history`. Those that are not
// `known` are optional: each happened while it was under way, with its result, or not at all.
class Search {
 public:
  Search(const std::vector<const Operation*>& history, const std::vector<bool>& known,
         const SequentialModel& model, uint64_t max_configurations, uint64_t max_steps = kNever)
      : history_(history),
        model_(model),
        max_configurations_(max_configurations),
        max_steps_(max_steps) {
    for (uint32_t i = 0; i < history.size(); ++i) (known[i] ? known_ : optional_).push_back(i);
    const auto by_call = [&](uint32_t a, uint32_t b) {
      return history[a]->called < history[b]->called;
    };
    std::stable_sort(known_.begin(), known_.end(), by_call);
    std::stable_sort(optional_.begin(), optional_.end(), by_call);
    for (uint32_t u = 0; u < optional_.size(); ++u) {
      const Operation& operation = *history[optional_[u]];
      if (model_.OnlyReads(operation)) continue;
      if (operation.returned) optional_may_return_ = true;
      (model_.Overwrites(operation) ? overwriting_ : conditional_).push_back(u);
    }
    for (uint32_t i : known_) {
      only_reads_.push_back(model_.OnlyReads(*history[i]));
      overwrites_.push_back(model_.Overwrites(*history[i]));
    }
    helpers_.resize(known_.size());
  }

  // Levels: first all that can be reached without optional operations, then with one, .. So
  // whenever a configuration is reached again, it was reached before with fewer of them, and if
  // with a subset there is nothing new to find.
  Verdict Run() {
    nodes_.emplace_back();
    nodes_[0].configuration.state = StateNamed(model_.Initial());
    visited_[nodes_[0].configuration].push_back(0);
    next_level_.push_back(0);
    while (!next_level_.empty()) {
      level_ = std::exchange(next_level_, {});
      while (!level_.empty()) {
        const uint32_t id = level_.back();
        level_.pop_back();
        if (nodes_[id].configuration.first == known_.size()) return Verdict::kLinearizable;
        if (nodes_.size() > max_configurations_ || steps_ > max_steps_) return Verdict::kGaveUp;
        Expand(id);
      }
    }
    return Verdict::kNotLinearizable;
  }

  uint64_t configurations() const { return nodes_.size(); }
  uint64_t steps() const { return steps_; }  // Of the model, tried or remembered.

  // No order found has all that returned up to this time.
  uint64_t stuck_at() const { return stuck_at_; }
  // How far the search came at most, for people.
  std::string Furthest() const {
    std::vector<uint32_t> order;
    for (uint32_t id = furthest_; nodes_[id].parent != kNoParent; id = nodes_[id].parent) {
      order.push_back(nodes_[id].operation);
    }
    std::reverse(order.begin(), order.end());
    constexpr size_t kShown = 12;
    std::string text = "The best order found";
    absl::StrAppend(&text, order.empty() ? " is none" : " ends");
    for (size_t i = order.size() > kShown ? order.size() - kShown : 0; i < order.size(); ++i) {
      absl::StrAppend(&text, "\n    ", Describe(*history_[order[i]]));
    }
    const Configuration& stuck = nodes_[furthest_].configuration;
    absl::StrAppend(&text, "\nthen the state is ", names_[stuck.state],
                    ", and what must follow is");
    std::vector<std::string> lines;
    for (uint32_t i : Next(stuck).known) {
      lines.push_back(absl::StrCat("\n    ", Describe(*history_[known_[i]])));
    }
    absl::StrAppend(&text, absl::StrJoin(lines, "\n  or"));
    return text;
  }

 private:
  struct Candidates {
    Positions known;           // In known_.
    uint64_t before = kNever;  // All that were called later than this have to wait.
  };

  // An operation may be next if none that has not happened returned before it was called.
  Candidates Next(const Configuration& c) const {
    Candidates next;
    for (uint32_t i = c.first; i < known_.size(); ++i) {
      const Operation& operation = *history_[known_[i]];
      if (operation.called > next.before) break;
      if (Contains(c.ahead, i)) continue;
      next.known.push_back(i);
      next.before = std::min(next.before, *operation.returned);
    }
    return next;
  }

  void Expand(uint32_t id) {
    const Configuration c = nodes_[id].configuration;
    const Candidates next = Next(c);
    if (next.before > stuck_at_) {
      stuck_at_ = next.before;
      furthest_ = id;
    }
    // A read that is possible now may as well happen now, unless that comes too early for optional
    // operations that returned.
    const uint64_t no_later = optional_may_return_ ? LastCall(id) : kNever;
    for (uint32_t i : next.known) {
      if (history_[known_[i]]->called > no_later) break;
      if (only_reads_[i] && After(c.state, known_[i]) == c.state) {
        return Visit(Happened(id, i, c.state));
      }
    }
    for (auto i = next.known.rbegin(); i != next.known.rend(); ++i) {
      const StateId after = After(c.state, known_[*i]);
      if (after != kImpossible) Visit(Happened(id, *i, after));
    }
    // In an order with as few optional operations as possible, each of them changes something, and
    // what follows it would not be possible or come to the same without it.
    for (uint32_t u : Helpful(next, c.state)) {
      if (!MayHappen(u, id, next)) continue;
      const StateId after = After(c.state, optional_[u]);
      if (after == c.state || after == kImpossible) continue;
      if (!MakesADifference(id, next, c.state, after)) continue;
      Node node = {.configuration = c,
                   .used = With(nodes_[id].used, u),
                   .parent = id,
                   .operation = optional_[u]};
      node.configuration.state = after;
      Visit(std::move(node));
    }
  }

  // Whether an optional operation may be next: it has not happened, nor returned before something
  // was called that has happened, and it was called in time.
  bool MayHappen(uint32_t u, uint32_t id, const Candidates& next) const {
    const Operation& operation = *history_[optional_[u]];
    if (operation.called > next.before || Contains(nodes_[id].used, u)) return false;
    return !operation.returned || *operation.returned >= LastCall(id);
  }

  // When the last of those that have happened was called.
  uint64_t LastCall(uint32_t id) const {
    const Configuration& c = nodes_[id].configuration;
    const Positions& used = nodes_[id].used;
    const uint64_t of_used = used.empty() ? 0 : history_[optional_[used.back()]]->called;
    if (c.first == 0 && c.ahead.empty()) return of_used;
    const uint32_t last = c.ahead.empty() ? c.first - 1 : c.ahead.back();
    return std::max(of_used, history_[known_[last]]->called);
  }

  // Those of optional_ that may make a difference here, and few of the others. Ascending.
  std::vector<uint32_t> Helpful(const Candidates& next, StateId state) {
    std::vector<uint32_t> helpful = Changing(state);
    const auto add = [&](const std::vector<uint32_t>& more) {
      helpful.insert(helpful.end(), more.begin(), more.end());
    };
    for (uint32_t i : next.known) {
      if (!overwrites_[i]) add(Helpers(i));
    }
    add(Prompters());
    std::sort(helpful.begin(), helpful.end());
    helpful.erase(std::unique(helpful.begin(), helpful.end()), helpful.end());
    return helpful;
  }

  // Of the optional operations that overwrite: those after which this one is possible,
  const std::vector<uint32_t>& Helpers(uint32_t i) {
    if (helpers_[i]) return *helpers_[i];
    helpers_[i].emplace();
    for (uint32_t u : overwriting_) {
      if (After(After(kInitially, optional_[u]), known_[i]) != kImpossible) {
        helpers_[i]->push_back(u);
      }
    }
    return *helpers_[i];
  }

  // and those after which an optional one that does not overwrite would change something.
  const std::vector<uint32_t>& Prompters() {
    if (prompters_) return *prompters_;
    prompters_.emplace();
    for (uint32_t u : overwriting_) {
      if (!Changing(After(kInitially, optional_[u])).empty()) prompters_->push_back(u);
    }
    return *prompters_;
  }

  bool MakesADifference(uint32_t id, const Candidates& next, StateId without, StateId with) {
    for (uint32_t i : next.known) {
      const StateId after = After(with, known_[i]);
      if (after != kImpossible && after != After(without, known_[i])) return true;
    }
    for (uint32_t u : Changing(with)) {
      if (MayHappen(u, id, next) && After(with, optional_[u]) != After(without, optional_[u])) {
        return true;
      }
    }
    return false;
  }

  // Of the optional operations that do not overwrite: those that change this state.
  const std::vector<uint32_t>& Changing(StateId state) {
    const auto [changing, is_new] = changing_.emplace(state, std::vector<uint32_t>());
    if (!is_new) return changing->second;
    std::vector<uint32_t> found;
    for (uint32_t u : conditional_) {
      const StateId after = After(state, optional_[u]);
      if (after != state && after != kImpossible) found.push_back(u);
    }
    return changing_[state] = std::move(found);
  }

  Node Happened(uint32_t id, uint32_t i, StateId after) const {
    Node node = {.configuration = nodes_[id].configuration,
                 .used = nodes_[id].used,
                 .parent = id,
                 .operation = known_[i]};
    Configuration& c = node.configuration;
    c.state = after;
    if (i != c.first) {
      c.ahead = With(std::move(c.ahead), i);
      return node;
    }
    ++c.first;
    auto still_ahead = c.ahead.begin();
    while (still_ahead != c.ahead.end() && *still_ahead == c.first) {
      ++still_ahead;
      ++c.first;
    }
    c.ahead.erase(c.ahead.begin(), still_ahead);
    return node;
  }

  void Visit(Node node) {
    std::vector<uint32_t>& before = visited_[node.configuration];
    for (uint32_t id : before) {
      const Positions& used = nodes_[id].used;
      if (std::includes(node.used.begin(), node.used.end(), used.begin(), used.end())) return;
    }
    const auto id = static_cast<uint32_t>(nodes_.size());
    before.push_back(id);
    const bool same_level = nodes_[node.parent].used.size() == node.used.size();
    (same_level ? level_ : next_level_).push_back(id);
    nodes_.push_back(std::move(node));
  }

  StateId StateNamed(const std::string& name) {
    const auto [id, is_new] = ids_.emplace(name, static_cast<StateId>(names_.size()));
    if (is_new) names_.push_back(name);
    return id->second;
  }

  StateId After(StateId state, uint32_t operation) {
    ++steps_;
    const uint64_t key = uint64_t{state} << 32 | operation;
    const auto known = after_.find(key);
    if (known != after_.end()) return known->second;
    std::string name = names_[state];
    const bool possible = model_.Apply(*history_[operation], name);
    const StateId after = possible ? StateNamed(name) : kImpossible;
    after_.emplace(key, after);
    return after;
  }

  const std::vector<const Operation*>& history_;
  const SequentialModel& model_;
  const uint64_t max_configurations_;
  const uint64_t max_steps_;
  std::vector<uint32_t> known_;     // In order of their calls.
  std::vector<bool> only_reads_;    // Those of known_.
  std::vector<bool> overwrites_;    // Likewise.
  std::vector<uint32_t> optional_;  // In order of their calls.
  bool optional_may_return_ = false;
  std::vector<uint32_t> overwriting_;  // Those of optional_ that overwrite,
  std::vector<uint32_t> conditional_;  // and the others.
  std::vector<absl::optional<std::vector<uint32_t>>> helpers_;
  absl::optional<std::vector<uint32_t>> prompters_;

  std::vector<std::string> names_;  // Of states.
  absl::flat_hash_map<std::string, StateId> ids_;
  absl::flat_hash_map<uint64_t, StateId> after_;
  absl::flat_hash_map<StateId, std::vector<uint32_t>> changing_;
  uint64_t steps_ = 0;

  std::vector<Node> nodes_;
  absl::flat_hash_map<Configuration, std::vector<uint32_t>> visited_;
  std::vector<uint32_t> level_;
  std::vector<uint32_t> next_level_;
  uint32_t furthest_ = 0;
  uint64_t stuck_at_ = 0;
};

// Finds few operations that contradict each other. To take an operation for optional only allows
// more, so what is a contradiction after that was one before.
class Shrinking {
 public:
  Shrinking(const std::vector<const Operation*>& history, std::vector<bool> known,
            const SequentialModel& model, uint64_t stuck_at, uint64_t budget)
      : history_(history),
        model_(model),
        known_(std::move(known)),
        stuck_at_(stuck_at),
        budget_(budget) {}

  std::vector<bool> Run() {
    ShortenTime();
    KeepTheLast();
    for (size_t size = Known().size(); size > 0; size /= 2) {
      const std::vector<uint32_t> all = Known();
      for (size_t from = 0; from < all.size(); from += size) {
        std::vector<bool> fewer = known_;
        for (size_t i = from; i < std::min(from + size, all.size()); ++i) fewer[all[i]] = false;
        Try(fewer);
      }
    }
    return known_;
  }

 private:
  // Forgets all that returned after the moment from which there was no way out.
  void ShortenTime() {
    std::vector<bool> fewer = known_;
    for (uint32_t i : Known()) {
      if (*history_[i]->returned > stuck_at_) fewer[i] = false;
    }
    Try(fewer);
  }

  // Forgets all but the last that returned, if a few are enough: mostly they are.
  void KeepTheLast() {
    std::vector<uint32_t> by_return = Known();
    std::stable_sort(by_return.begin(), by_return.end(), [&](uint32_t a, uint32_t b) {
      return *history_[a]->returned < *history_[b]->returned;
    });
    for (size_t kept = 8; kept < by_return.size(); kept *= 4) {
      std::vector<bool> fewer = known_;
      for (size_t i = 0; i < by_return.size() - kept; ++i) fewer[by_return[i]] = false;
      if (Try(fewer, budget_ / 4)) return;
    }
  }

  bool Try(const std::vector<bool>& fewer) { return Try(fewer, budget_); }
  bool Try(const std::vector<bool>& fewer, uint64_t most_steps) {
    if (most_steps == 0) return false;
    Search search(history_, fewer, model_, kNever, most_steps);
    const Verdict verdict = search.Run();
    budget_ -= std::min(budget_, search.steps());
    if (verdict != Verdict::kNotLinearizable) return false;
    known_ = fewer;
    return true;
  }

  std::vector<uint32_t> Known() const {
    std::vector<uint32_t> known;
    for (uint32_t i = 0; i < known_.size(); ++i) {
      if (known_[i]) known.push_back(i);
    }
    return known;
  }

  const std::vector<const Operation*>& history_;
  const SequentialModel& model_;
  std::vector<bool> known_;
  const uint64_t stuck_at_;
  uint64_t budget_;
};

// The operations at these positions, or, if they are many, those that returned last.
std::string Lines(absl::Span<const Operation> history, std::vector<size_t> positions) {
  constexpr size_t kShown = 24;
  std::string text;
  if (positions.size() > kShown) {
    std::stable_sort(positions.begin(), positions.end(), [&](size_t a, size_t b) {
      return *history[a].returned < *history[b].returned;
    });
    absl::StrAppend(&text, "    (", positions.size() - kShown, " that returned before)\n");
    positions.erase(positions.begin(), positions.end() - kShown);
  }
  const auto line = [&](std::string* out, size_t i) {
    absl::StrAppend(out, "    ", Describe(history[i]));
  };
  return absl::StrCat(text, absl::StrJoin(positions, "\n", line));
}

}  // namespace

LinearizabilityResult CheckLinearizability(absl::Span<const Operation> history,
                                           const SequentialModel& model,
                                           const LinearizabilityOptions& options) {
  std::map<std::string, std::vector<const Operation*>> keys;
  for (const Operation& operation : history) {
    RAFT_CHECK(!operation.returned || *operation.returned >= operation.called)
        << Describe(operation) << " returns before it is called";
    keys[operation.key].push_back(&operation);
  }
  LinearizabilityResult result;
  for (const auto& [key, operations] : keys) {
    std::vector<bool> known;
    for (const Operation* operation : operations) known.push_back(operation->returned.has_value());
    Search search(operations, known, model, options.max_configurations);
    result.verdict = search.Run();
    result.configurations += search.configurations();
    if (result.verdict == Verdict::kLinearizable) continue;
    result.key = key;
    if (result.verdict == Verdict::kGaveUp) {
      result.explanation = absl::StrCat("key ", Quoted(key), ": given up after ",
                                        search.configurations(), " configurations");
      return result;
    }
    known = Shrinking(operations, known, model, search.stuck_at(), options.max_shrinking).Run();
    for (size_t i = 0; i < operations.size(); ++i) {
      if (!known[i]) continue;
      result.contradiction.push_back(static_cast<size_t>(operations[i] - history.data()));
    }
    Search shown(operations, known, model, options.max_configurations);
    shown.Run();
    result.explanation = absl::StrCat(
        "key ", Quoted(key), ": no order explains these, whichever of the ",
        operations.size() - result.contradiction.size(), " other operations happened:\n",
        Lines(history, result.contradiction), "\n", shown.Furthest());
    return result;
  }
  return result;
}

}  // namespace rafttest
