#pragma once

#include "storage/disk/posix.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace tidelog::testing {

/// A folder on the real disk, gone with this.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = ::testing::TempDir() + "tidelog-key-value-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  ~ScratchFolder() { EXPECT_TRUE(files_.remove_all(root_)); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] storage::PosixFileSystem& files() { return files_; }
  [[nodiscard]] std::string path(const std::string& name) const { return root_ + "/" + name; }
  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  storage::PosixFileSystem files_;
  std::string root_;
};

}  // namespace tidelog::testing
