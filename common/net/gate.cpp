#include "common/net/gate.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/check.hpp"

namespace fanfold::net {
namespace {

constexpr const char* kQuestions = "inproc://zeromq.zap.01";
/// version, request, domain, address, identity, mechanism, key.
constexpr std::size_t kFrames = 7;

}  // namespace

Gate::Gate(zmq::context_t& context, std::shared_ptr<security::Authority> authority,
           std::function<void()> refused)
    : context_(context), authority_(std::move(authority)), refused_(std::move(refused)) {
  zmq::socket_t questions(context_, zmq::socket_type::rep);
  questions.set(zmq::sockopt::linger, 0);
  questions.bind(kQuestions);
  thread_ = std::jthread(
      [this, socket = std::move(questions)]() mutable { answer_questions(std::move(socket)); });
}

Gate::~Gate() { context_.shutdown(); }

Refusals Gate::refusals() const {
  MutexLock lock(mutex_);
  return refusals_;
}

void Gate::forget_refusals() {
  MutexLock lock(mutex_);
  refusals_ = {};
}

void Gate::note_refusal(const std::string& address, const std::string& who) {
  {
    MutexLock lock(mutex_);
    ++refusals_.count;
    refusals_.address = address;
    refusals_.fingerprint = who;
  }
  refused_();
}

void Gate::answer_questions(zmq::socket_t questions) {
  for (;;) {
    try {
      for (;;) answer_one(questions);
    } catch (const zmq::error_t& error) {
      if (error.num() == ETERM) return;  // The context ends.
      // When nobody answers its questions, libzmq lets everybody in.
      FANFOLD_CHECK(error.num() == EINTR);
    }
  }
}

void Gate::answer_one(zmq::socket_t& questions) {
  std::vector<zmq::message_t> frames;
  do {
    frames.emplace_back();
    static_cast<void>(questions.recv(frames.back()));
  } while (frames.back().more());
  // An answer of our making to every question: one that is not answered would stop all others.
  frames.resize(kFrames);
  std::shared_ptr<const security::KeyHolder> holder;
  security::PublicKey key;
  const std::string address = frames[3].to_string();
  if (frames[0].to_string_view() == "1.0" && frames[5].to_string_view() == "CURVE" &&
      frames[6].size() == key.bytes.size()) {
    std::memcpy(key.bytes.data(), frames[6].data(), key.bytes.size());
    holder = authority_->admit(key);
  }
  if (!holder) note_refusal(address, security::fingerprint(key));
  const std::string user = holder ? security::to_hex(key.bytes) : "";
  const std::array<std::string_view, 6> answer = {
      "1.0", frames[1].to_string_view(), holder ? "200" : "400", holder ? "OK" : "key not accepted",
      user,  std::string_view()};
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const bool last = i + 1 == answer.size();
    questions.send(zmq::buffer(answer[i]), last ? zmq::send_flags::none : zmq::send_flags::sndmore);
  }
}

}  // namespace fanfold::net
