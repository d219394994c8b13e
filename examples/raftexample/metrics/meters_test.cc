#include "examples/raftexample/metrics/meters.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "prometheus/text_serializer.h"

namespace raftexample {
namespace {

using std::chrono::milliseconds;

constexpr char kPut[] = "/etcdserverpb.KV/Put";
constexpr char kRange[] = "/etcdserverpb.KV/Range";
constexpr char kWatch[] = "/etcdserverpb.Watch/Watch";

std::string Text(const Meters& meters) {
  return prometheus::TextSerializer().Serialize(meters.registry.Collect());
}

#define EXPECT_LINE(text, line) EXPECT_TRUE(absl::StrContains(text, line "\n")) << text

TEST(CallMeter, CountsByMethodAndOutcome) {
  Meters meters;
  for (int i = 0; i < 3; ++i) meters.calls.Started(kPut);
  meters.calls.Finished(kPut, absl::StatusCode::kOk, milliseconds(1));
  meters.calls.Finished(kPut, absl::StatusCode::kOk, milliseconds(1));
  meters.calls.Finished(kPut, absl::StatusCode::kResourceExhausted, milliseconds(1));
  const std::string text = Text(meters);
  EXPECT_LINE(text, R"(grpc_server_started_total{grpc_method="Put",grpc_service="etcdserverpb.KV",)"
                    R"(grpc_type="unary"} 3)");
  EXPECT_LINE(text, R"(grpc_server_handled_total{grpc_code="OK",grpc_method="Put",)"
                    R"(grpc_service="etcdserverpb.KV",grpc_type="unary"} 2)");
  EXPECT_LINE(text, R"(grpc_server_handled_total{grpc_code="ResourceExhausted",grpc_method="Put",)"
                    R"(grpc_service="etcdserverpb.KV",grpc_type="unary"} 1)");
}

TEST(CallMeter, TimesCallsAndNotStreams) {
  Meters meters;
  meters.calls.Finished(kPut, absl::StatusCode::kOk, milliseconds(3));
  meters.calls.Finished(kWatch, absl::StatusCode::kCancelled, milliseconds(3));
  const std::string text = Text(meters);
  EXPECT_LINE(text, R"(grpc_server_handling_seconds_count{grpc_method="Put",)"
                    R"(grpc_service="etcdserverpb.KV",grpc_type="unary"} 1)");
  EXPECT_FALSE(absl::StrContains(text, R"(handling_seconds_count{grpc_method="Watch")")) << text;
  EXPECT_LINE(text, R"(grpc_server_handled_total{grpc_code="Canceled",grpc_method="Watch",)"
                    R"(grpc_service="etcdserverpb.Watch",grpc_type="bidi_stream"} 1)");
}

TEST(CallMeter, DurationsOfSeveralMethodsAddUp) {
  Meters meters;
  meters.calls.Finished(kPut, absl::StatusCode::kOk, milliseconds(3));
  meters.calls.Finished(kRange, absl::StatusCode::kOk, milliseconds(30));
  meters.calls.Finished("/etcdserverpb.KV/Txn", absl::StatusCode::kOk, milliseconds(300));
  const auto both = meters.calls.Durations({kPut, kRange});
  EXPECT_EQ(both.sample_count, 2u);
  for (const auto& bucket : both.bucket) {
    const uint64_t expected = (bucket.upper_bound > .003) + (bucket.upper_bound > .03);
    EXPECT_EQ(bucket.cumulative_count, expected) << bucket.upper_bound;
  }
  EXPECT_EQ(meters.calls.Durations({}).sample_count, 0u);
}

TEST(Meters, AStopwatchTellsHowLongItLived) {
  Meters meters;
  { const Stopwatch stopwatch(meters.log_sync); }
  EXPECT_LINE(Text(meters), "etcd_disk_wal_fsync_duration_seconds_count 1");
}

}  // namespace
}  // namespace raftexample
