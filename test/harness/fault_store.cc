#include "harness/fault_store.h"

#include <fmt/format.h>

#include <atomic>
#include <utility>

#include "base/error.h"

namespace pgstow::test {

class FaultStore::Faults {
 public:
  Faults(int failing_call, Moment moment) : failing_call_(failing_call), moment_(moment) {}

  int begin(std::string_view what) {
    const int number = ++calls_;
    if (moment_ == Moment::kBefore) strike(number, what);
    return number;
  }
  void end(int number, std::string_view what) const {
    if (moment_ == Moment::kAfter) strike(number, what);
  }
  int calls() const { return calls_; }
  bool failed() const { return calls_ >= failing_call_; }

 private:
  void strike(int number, std::string_view what) const {
    if (number == failing_call_) {
      throw Error(fmt::format("fault: call {}: {} {}", number, what,
                              moment_ == Moment::kBefore ? "not done" : "done, but not answered"));
    }
  }

  const int failing_call_;
  const Moment moment_;
  std::atomic<int> calls_{0};
};

namespace {

// Around one call: construct before, done() after.
class Call {
 public:
  Call(FaultStore::Faults& faults, std::string_view what)
      : faults_(faults), what_(what), number_(faults.begin(what)) {}
  void done() const { faults_.end(number_, what_); }

 private:
  FaultStore::Faults& faults_;
  const std::string_view what_;
  const int number_;
};

class FaultSink final : public Sink {
 public:
  FaultSink(std::unique_ptr<Sink> inner, std::shared_ptr<FaultStore::Faults> faults)
      : inner_(std::move(inner)), faults_(std::move(faults)) {}

  void write(std::string_view bytes) override {
    const Call call(*faults_, "write");
    inner_->write(bytes);
    call.done();
  }
  void finish() override {
    const Call call(*faults_, "finish");
    inner_->finish();
    call.done();
  }

 private:
  std::unique_ptr<Sink> inner_;
  std::shared_ptr<FaultStore::Faults> faults_;
};

class FaultSource final : public Source {
 public:
  FaultSource(std::unique_ptr<Source> inner, std::shared_ptr<FaultStore::Faults> faults)
      : inner_(std::move(inner)), faults_(std::move(faults)) {}

  std::size_t read(std::span<char> into) override {
    const Call call(*faults_, "read");
    const std::size_t n = inner_->read(into);
    call.done();
    return n;
  }

 private:
  std::unique_ptr<Source> inner_;
  std::shared_ptr<FaultStore::Faults> faults_;
};

}  // namespace

FaultStore::FaultStore(Store& inner, int failing_call, Moment moment)
    : inner_(inner), faults_(std::make_shared<Faults>(failing_call, moment)) {}

std::unique_ptr<Sink> FaultStore::create(std::string_view key, Existing existing) {
  const Call call(*faults_, "create");
  auto sink = std::make_unique<FaultSink>(inner_.create(key, existing), faults_);
  call.done();
  return sink;
}

void FaultStore::reserve(std::string_view stem) {
  const Call call(*faults_, "reserve");
  inner_.reserve(stem);
  call.done();
}

void FaultStore::protect(std::string_view key) {
  const Call call(*faults_, "protect");
  inner_.protect(key);
  call.done();
}

std::unique_ptr<Source> FaultStore::open(std::string_view key, Range range) {
  const Call call(*faults_, "open");
  auto source = std::make_unique<FaultSource>(inner_.open(key, range), faults_);
  call.done();
  return source;
}

std::vector<Object> FaultStore::list(std::string_view prefix) {
  const Call call(*faults_, "list");
  std::vector<Object> objects = inner_.list(prefix);
  call.done();
  return objects;
}

void FaultStore::remove(std::string_view key) {
  const Call call(*faults_, "remove");
  inner_.remove(key);
  call.done();
}

int FaultStore::clear_leftovers() {
  const Call call(*faults_, "clear_leftovers");
  const int cleared = inner_.clear_leftovers();
  call.done();
  return cleared;
}

int FaultStore::calls() const { return faults_->calls(); }

bool FaultStore::failed() const { return faults_->failed(); }

}  // namespace pgstow::test
