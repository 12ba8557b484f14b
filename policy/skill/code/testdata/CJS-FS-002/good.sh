cat ~/.bashrc | head -3
