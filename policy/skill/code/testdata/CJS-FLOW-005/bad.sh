echo ZWNobyBoaQ== | base64 --decode | bash
