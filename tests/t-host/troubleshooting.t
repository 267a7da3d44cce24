#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# The texts in docs/troubleshooting.md are what is really said: ours are in our sources, each in one file, and the others'
# in the programs, as far as these are installed here. And what our programs complain of is there.
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

# Call by call, with the lines that continue it: a text of the document is in it, or it needs none.
my @without = (
	[qr{^(?:packaging/(?:make-|install$)|scripts/(?:check|abi-table)$)}, qr/./, "for who makes packages or works on the sources"],
	[qr/./, qr/needs root|usage: |is missing: it is part of/, "says what to do"],
	[qr/./, qr/\$\((?:key|support)_text |stop_if_yes/, "said with words from elsewhere, which are there"],
	[qr{/swap\.sh$}, qr/putting everything back|end them and try again|nothing to \$swap_command/, "said with one that is there"],
);
my $call = qr/^[^#\n]*\b(?:die|quit|problem|warning|complain|unwelcome)\h+([^\n]*"(?:[^\n]*\\\n)*[^\n]*)/m;
for my $file (grep { !/\.awk$/ } sort keys %sources) {
	while ($sources{$file} =~ /$call/g) {
		my $said = $1;
		# All but variables: whoever is handed a text does not need one.
		next if $said =~ s/\$(?:\w+|[*@]|\{[^}]*\})//gr !~ /[a-z]{3}/;
		next if grep { $file =~ $_->[0] && $said =~ $_->[1] } @without;
		my @rows = grep { !grep { index($said, $_) < 0 } pieces(qr/…/, $_) } @{$texts{"Ours"}};
		ok(@rows, "$file: $said");
	}
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
