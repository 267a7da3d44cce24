#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# The texts in docs/troubleshooting.md are what is really said: ours are in our sources, each in one file, and the others'
# in the programs, as far as these are installed here.
use strict;
use warnings;
use utf8;
use File::Find;
use FindBin;
use Test::More;

chdir "$FindBin::Bin/../.." or die "$!\n";
$ENV{PATH} .= ":/usr/sbin:/sbin";
binmode Test::More->builder->$_, ":utf8" for qw(output failure_output);

sub content {
	my ($file) = @_;
	open my $in, "<:raw", $file or die "$file: $!\n";
	local $/;
	return scalar <$in>;
}

# Of each section the first column of its tables: texts in which "…" stands for what varies.
my (%texts, $section);
my $document = content("docs/troubleshooting.md");
utf8::decode($document);
for (split /\n/, $document) {
	$section = $1 if /^## (.*)/;
	push @{$texts{$section}}, $1 if /^\| `([^`]*)`/;
}

# pieces SEPARATOR, TEXT: what is the same every time.
sub pieces {
	my ($separator, $text) = @_;
	return grep { length > 2 } map { s/^\s+|\s+$//gr } split $separator, $text;
}

my %sources;
find(sub { $sources{$File::Find::name} = content($_) if -f }, qw(src command scripts packaging dkms.conf));
# A string in C or in the shell has its quotation marks escaped.
s/\\"/"/g for values %sources;

cmp_ok(scalar @{$texts{"Ours"}}, ">", 40, "there are many of ours");
for my $text (@{$texts{"Ours"}}) {
	my @pieces = pieces(qr/…/, $text);
	my @files = grep { my $source = $sources{$_}; !grep { index($source, $_) < 0 } @pieces } keys %sources;
	ok(@files, "ours: $text");
}

# Programs, the C library's words for errors, libvirt, a kernel that the tests have fetched.
my $cache = $ENV{VSOCK_CACHE} // "/var/cache/vsock-netns";
my @wanted = (
	(map { my $name = $_; [$name, map { "$_/$name" } split /:/, $ENV{PATH}] } qw(kmod ncat sysctl qemu-system-x86_64 dkms)),
	["the C library", glob "/lib/*/libc.so.6 /usr/lib/*/libc.so.6"],
	["libvirt", glob "/usr/lib/*/libvirt.so.0"],
	["a kernel", glob "$cache/kernels/6.1.*/vmlinux"],
);
my ($programs, @missing) = ("");
for (@wanted) {
	my ($name, @candidates) = @$_;
	my ($file) = grep { -e } @candidates;
	if ($file) { $programs .= content($file) } else { push @missing, $name }
}
for my $text (@{$texts{"Others'"}}) {
	my $said = !grep { index($programs, $_) < 0 } pieces(qr/…|: /, $text);
	SKIP: {
		skip "not here: @missing", 1 if @missing && !$said;
		ok($said, "others': $text");
	}
}

done_testing;
