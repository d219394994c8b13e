// Metrics as they are handed over when somebody asks: values of now, with a name and a meaning.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_FAMILIES_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_FAMILIES_H_

#include <string>
#include <utility>
#include <vector>

#include "prometheus/metric_family.h"

namespace raftexample {

using Families = std::vector<prometheus::MetricFamily>;
using Labels = std::vector<prometheus::ClientMetric::Label>;

// Families of gauges and counters, built one after the other.
class FamilyList {
 public:
  void Gauge(const char* name, const char* help, double value, Labels labels = {}) {
    Add(name, help, prometheus::MetricType::Gauge, std::move(labels)).gauge.value = value;
  }
  void Counter(const char* name, const char* help, double value, Labels labels = {}) {
    Add(name, help, prometheus::MetricType::Counter, std::move(labels)).counter.value = value;
  }
  Families Take() { return std::move(families_); }

 private:
  // Another value of the same name, with other labels, belongs to the same family.
  prometheus::ClientMetric& Add(const char* name, const char* help, prometheus::MetricType type,
                                Labels labels) {
    if (families_.empty() || families_.back().name != name) {
      families_.push_back({.name = name, .help = help, .type = type});
    }
    prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    return metric;
  }

  Families families_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_FAMILIES_H_
