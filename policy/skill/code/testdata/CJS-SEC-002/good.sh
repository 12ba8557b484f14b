git clone https://git.vendor.test/r.git
