xattr -d com.apple.quarantine ./tool
