#include "rafttest/in_flight.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace rafttest {

using raftpb::Message;

bool StaysWithinServer(const Message& message) {
  const auto is_thread = [](raftpb::NodeId id) {
    return id == raftpb::kLocalAppendThread || id == raftpb::kLocalApplyThread;
  };
  return message.from == message.to || is_thread(message.from) || is_thread(message.to);
}

bool MessageFilter::Matches(const Message& message) const {
  return message.to == to && (!type.has_value() || message.type == *type) &&
         !(spare_local && StaysWithinServer(message));
}

bool InFlight::Has(const MessageFilter& filter) const {
  return std::any_of(messages_.begin(), messages_.end(),
                     [&](const Message& m) { return filter.Matches(m); });
}

std::vector<Message> InFlight::Take(const MessageFilter& filter) {
  std::vector<Message> taken;
  std::vector<Message> rest;
  for (Message& m : messages_) {
    std::vector<Message>& target = filter.Matches(m) ? taken : rest;
    target.push_back(std::move(m));
  }
  messages_ = std::move(rest);
  return taken;
}

std::vector<Message> InFlight::Duplicate(const MessageFilter& filter) {
  std::vector<Message> copies;
  std::copy_if(messages_.begin(), messages_.end(), std::back_inserter(copies),
               [&](const Message& m) { return filter.Matches(m); });
  messages_.insert(messages_.end(), copies.begin(), copies.end());
  return copies;
}

void InFlight::LoseLocal(raftpb::NodeId to) {
  const auto lost = [to](const Message& m) { return m.to == to && StaysWithinServer(m); };
  messages_.erase(std::remove_if(messages_.begin(), messages_.end(), lost), messages_.end());
}

void InFlight::Reverse(const MessageFilter& filter) {
  std::vector<Message*> places;
  for (Message& m : messages_) {
    if (filter.Matches(m)) places.push_back(&m);
  }
  for (size_t i = 0; i < places.size() / 2; ++i) {
    std::swap(*places[i], *places[places.size() - 1 - i]);
  }
}

}  // namespace rafttest
