// The two ends of a LocalStore's files: the sink that makes an object, the source that reads one.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "store/part.h"
#include "store/store.h"
#include "stream/stream.h"

namespace pgstow {

class LocalSink final : public Sink {
 public:
  // `where` is the object's path, for messages.
  LocalSink(Fd folder, std::string key, Existing existing, std::string where);
  LocalSink(const LocalSink&) = delete;
  LocalSink& operator=(const LocalSink&) = delete;
  ~LocalSink() override;

  // After a failure nothing more can be written, and finish() throws.
  void write(std::string_view bytes) override;
  // If it throws, the key is as it was before; except that kReplace, when only the last step failed
  // (making the new name durable), leaves the new object in place: the old one is gone by then.
  void finish() override;

 private:
  enum class State { kOpen, kBroken, kFinished };

  void require_open() const;
  void refuse_existing() const;
  void start_write_back();
  void sync_file();
  void publish();
  void publish_new();
  void publish_new_without_rename_flags();

  const Fd folder_;
  const std::string key_;
  const Existing existing_;
  const std::string where_;
  const Part part_;
  State state_ = State::kOpen;
  bool part_is_there_ = true;
  std::uint64_t written_ = 0;
  std::uint64_t pushed_ = 0;  // up to here write-back was started
};

class LocalSource final : public Source {
 public:
  LocalSource(Fd file, Range range, std::string where);

  std::size_t read(std::span<char> into) override;

 private:
  std::uint64_t size_now() const;

  const Fd file_;
  const std::string where_;
  const std::uint64_t size_;  // when opened
  std::uint64_t at_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace pgstow
