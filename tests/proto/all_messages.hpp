// Every message of the protocol with its name, and an archive that fills any of them with values
// from a source: the codec's tests need no message written out by hand.

#pragma once

#include <concepts>
#include <map>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "common/proto/known.hpp"
#include "common/proto/message_fields.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::proto {

template <class Message>
struct Named {
  using Type = Message;
  const char* name;
};

/// Calls visit(Named<Message>) for each message.
template <class Visitor>
void for_each_message(const Visitor& visit) {
  const auto all = std::tuple{
      Named<Submit>{"Submit"},
      Named<GetJob>{"GetJob"},
      Named<ListJobs>{"ListJobs"},
      Named<CancelJob>{"CancelJob"},
      Named<GetLogs>{"GetLogs"},
      Named<GetCluster>{"GetCluster"},
      Named<StopCluster>{"StopCluster"},
      Named<GetEvents>{"GetEvents"},
      Named<GetOutput>{"GetOutput"},
      Named<ChangeJob>{"ChangeJob"},
      Named<Feed>{"Feed"},
      Named<PutBlob>{"PutBlob"},
      Named<ListInputs>{"ListInputs"},
      Named<Answer>{"Answer"},
      Named<JobReply>{"JobReply"},
      Named<JobList>{"JobList"},
      Named<Logs>{"Logs"},
      Named<ClusterReply>{"ClusterReply"},
      Named<Events>{"Events"},
      Named<Output>{"Output"},
      Named<FeedReply>{"FeedReply"},
      Named<BlobReply>{"BlobReply"},
      Named<InputsListed>{"InputsListed"},
      Named<Hello>{"Hello"},
      Named<Heartbeat>{"Heartbeat"},
      Named<CommitRequest>{"CommitRequest"},
      Named<AttemptFailed>{"AttemptFailed"},
      Named<Bye>{"Bye"},
      Named<WorkersDied>{"WorkersDied"},
      Named<InputsWanted>{"InputsWanted"},
      Named<OutputPart>{"OutputPart"},
      Named<GetBlob>{"GetBlob"},
      Named<HostFilesListed>{"HostFilesListed"},
      Named<Welcome>{"Welcome"},
      Named<Unknown>{"Unknown"},
      Named<HeartbeatEcho>{"HeartbeatEcho"},
      Named<Assign>{"Assign"},
      Named<CancelAttempt>{"CancelAttempt"},
      Named<CommitAnswer>{"CommitAnswer"},
      Named<FailureNoted>{"FailureNoted"},
      Named<ForgetJob>{"ForgetJob"},
      Named<Goodbye>{"Goodbye"},
      Named<ListPage>{"ListPage"},
      Named<ReadOutput>{"ReadOutput"},
      Named<PeerKeys>{"PeerKeys"},
      Named<BlobPart>{"BlobPart"},
      Named<ListHostFiles>{"ListHostFiles"},
      Named<HomeOutputs>{"HomeOutputs"},
      Named<FetchSegment>{"FetchSegment"},
      Named<Chunk>{"Chunk"},
  };
  std::apply([&](const auto&... each) { (visit(each), ...); }, all);
}

/// The variant in which a receiver finds the message.
template <class Message>
auto variant_of() {
  if constexpr (Message::kTag < 20) {
    return ClientMessage();
  } else if constexpr (Message::kTag < 40) {
    return ClientReply();
  } else if constexpr (Message::kTag < 60) {
    return WorkerMessage();
  } else if constexpr (Message::kTag < 80) {
    return MasterMessage();
  } else {
    return DataMessage();
  }
}
template <class Message>
using VariantOf = decltype(variant_of<Message>());

/// An archive that assigns what there is in `protocol` instead of reading.  Source: number() -> 64
/// bits, text() -> string, size() -> how many elements a container gets.
template <class Source>
class Filler {
 public:
  explicit Filler(Source& source, std::uint32_t protocol = kProtocolVersion)
      : source_(source), protocol_(protocol) {}

  template <class... Fields>
  void operator()(Fields&&... fields) {
    (fill(fields), ...);
  }

 private:
  template <class Struct>
  void fill(Struct& value) {
    if constexpr (std::is_same_v<Struct, bool>) {
      value = (source_.number() & 1) != 0;
    } else if constexpr (std::is_integral_v<Struct>) {
      value = static_cast<Struct>(source_.number());
    } else {
      serialize(*this, value);
    }
  }
  void fill(std::string& value) { value = source_.text(); }
  template <class Element>
  void fill(std::vector<Element>& values) {
    values.resize(source_.size());
    for (Element& value : values) fill(value);
  }
  template <class Key, class Value, class Order>
  void fill(std::map<Key, Value, Order>& values) {
    for (std::size_t left = source_.size(); left > 0; --left) {
      Key key;
      fill(key);
      fill(values[key]);
    }
  }
  template <class Enumeration>
  void fill(Checked<Enumeration>& checked) {
    std::vector<Enumeration> known;
    for (int number = 0; number < 256; ++number) {
      if (is_known(static_cast<Enumeration>(number)) &&
          known_since(static_cast<Enumeration>(number)) <= protocol_) {
        known.push_back(static_cast<Enumeration>(number));
      }
    }
    checked.value = known[source_.number() % known.size()];
  }
  template <class Field>
  void fill(Since<Field>& since) {
    if (since.protocol <= protocol_) fill(since.field);
  }
  void fill(CheckedCode& checked) {
    StatusCode code{};
    Checked<StatusCode> inner{code};
    fill(inner);
    checked.value = static_cast<std::uint8_t>(code);
  }

  Source& source_;
  const std::uint32_t protocol_;
};

/// 1, 2, 3 ...: what the golden bytes are made from.
struct CountingSource {
  std::uint64_t last = 0;
  std::uint64_t number() { return ++last; }
  std::string text() { return "s" + std::to_string(++last); }
  static std::size_t size() { return 2; }
};

template <class Message, class Source>
Message filled(Source& source, std::uint32_t protocol = kProtocolVersion) {
  Message message;
  Filler<Source> filler(source, protocol);
  serialize(filler, message);
  if constexpr (requires { message.protocol; }) message.protocol = protocol;
  return message;
}

/// Whether peers of `protocol` know it.
template <class Message>
constexpr bool is_known_in([[maybe_unused]] std::uint32_t protocol) {
  if constexpr (requires { Message::kSince; }) return Message::kSince <= protocol;
  return true;
}

}  // namespace fanfold::proto
